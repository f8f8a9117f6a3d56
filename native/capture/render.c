/* SPDX-License-Identifier: Apache-2.0 */
/* From a record, which has values as the kernel has them, to a scap event in its block (the layout is described in
 * engine/event/source.ts). */
#include <linux/types.h>
#include <string.h>
#include "../bpf/wire.h"
#include "../events.gen.h"
#include "render.h"

enum { BLOCK_EVENT = 0x216, OPTION_LATENCY = 0x8001, OPTION_RESULT = 0x8002, OPTION_TARGET = 0x8003 };
enum { FAMILY_UNIX = 1, FAMILY_INET = 2, FAMILY_INET6 = 10 };
enum { DYN_ERRNO = 1, DYN_UINT32 = 2, SOL_SOCKET_SCAP = 1, SO_ERROR_NR = 4 };

struct out {
	uint8_t *at;
};

static void put(struct out *out, const void *bytes, size_t size)
{
	memcpy(out->at, bytes, size);
	out->at += size;
}

/* Little-endian machines only, as the format itself. */
static void put_number(struct out *out, uint64_t value, size_t size)
{
	put(out, &value, size);
}

static uint64_t map_value(unsigned index, uint64_t value)
{
	const struct sonde_map *map = &sonde_maps[index];
	uint64_t result = 0;

	if (index == 0)
		return value;
	if (map->is_mask) {
		/* the low two bits of open flags are a number: read, write, both */
		if (index == SONDE_MAP_OPEN && (value & 3) != 3)
			result = (value & 3) + 1;
		for (int i = 0; i < map->npairs; i++)
			if (value & map->pairs[i].from)
				result |= map->pairs[i].to;
		return result;
	}
	for (int i = 0; i < map->npairs; i++)
		if ((value & ~map->keep) == map->pairs[i].from)
			result = map->pairs[i].to;
	return result | (value & map->keep);
}

static uint64_t number(const uint8_t *raw, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, raw, size < 8 ? size : 8);
	return value;
}

/* Components from the last to the first, each with its NUL, as "/first/…/last". */
static void put_path(struct out *out, const uint8_t *raw, size_t size)
{
	size_t end = size;

	if (size == 0) {
		put(out, "/", 2);
		return;
	}
	while (end > 0) {
		size_t start = end - 1;

		while (start > 0 && raw[start - 1] != 0)
			start--;
		put(out, "/", 1);
		put(out, raw + start, end - 1 - start);
		end = start;
	}
	put(out, "", 1);
}

static void put_address(struct out *out, const uint8_t *raw, size_t size)
{
	uint16_t family = size >= 2 ? (uint16_t)number(raw, 2) : 0;

	if (family == FAMILY_INET && size >= 8) {
		put_number(out, FAMILY_INET, 1);
		put(out, raw + 4, 4);
		put_number(out, (uint64_t)raw[2] << 8 | raw[3], 2);
	} else if (family == FAMILY_INET6 && size >= 24) {
		put_number(out, FAMILY_INET6, 1);
		put(out, raw + 8, 16);
		put_number(out, (uint64_t)raw[2] << 8 | raw[3], 2);
	} else if (family == FAMILY_UNIX) {
		size_t length = strnlen((const char *)raw + 2, size - 2);

		put_number(out, FAMILY_UNIX, 1);
		/* a name that begins with NUL is an abstract one, written with @ */
		if (length == 0 && size > 3) {
			put(out, "@", 1);
			put(out, raw + 3, strnlen((const char *)raw + 3, size - 3));
		} else {
			put(out, raw + 2, length);
		}
		put(out, "", 1);
	}
}

static int is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return 0;
	return 1;
}

/* Both ends of a socket, the sender first. `outwards`: this side is the sender. */
static void put_tuple(struct out *out, const uint8_t *raw, size_t size, int outwards)
{
	struct sonde_ends ends;
	size_t length;

	if (size < sizeof(ends))
		return;
	memcpy(&ends, raw, sizeof(ends));
	raw += sizeof(ends);
	size -= sizeof(ends);
	if (ends.family == FAMILY_UNIX) {
		put_number(out, FAMILY_UNIX, 1);
		put(out, outwards ? ends.local : ends.remote, 8);
		put(out, outwards ? ends.remote : ends.local, 8);
		if (size > 1 && raw[0] == 0) {
			put(out, "@", 1);
			raw++;
			size--;
		}
		length = strnlen((const char *)raw, size);
		put(out, raw, length);
		put(out, "", 1);
		return;
	}
	length = ends.family == FAMILY_INET ? 4 : 16;
	/* a socket that is not connected: the address that the caller gave */
	if (ends.has_addr && size >= (length == 4 ? 8u : 24u) && number(raw, 2) == ends.family && is_zero(ends.remote, length)) {
		memcpy(ends.remote, raw + (length == 4 ? 4 : 8), length);
		ends.remote_port = (uint16_t)(raw[2] << 8 | raw[3]);
	}
	put_number(out, ends.family, 1);
	put(out, outwards ? ends.local : ends.remote, length);
	put_number(out, outwards ? ends.local_port : ends.remote_port, 2);
	put(out, outwards ? ends.remote : ends.local, length);
	put_number(out, outwards ? ends.remote_port : ends.local_port, 2);
}

static void put_fd_list(struct out *out, const uint8_t *raw, size_t size, int64_t result)
{
	static const uint16_t events[][2] = { { 1, 1 }, { 2, 2 }, { 4, 4 }, { 8, 16 }, { 16, 32 }, { 32, 64 }, { 64, 128 }, { 128, 256 }, { 256, 512 }, { 512, 1024 }, { 8192, 8 } };
	uint8_t *count_at = out->at;
	uint16_t count = 0;

	put_number(out, 0, 2);
	for (size_t at = 0; at + 8 <= size; at += 8) {
		int32_t fd = (int32_t)number(raw + at, 4);
		uint16_t bits = (uint16_t)number(raw + at + (result > 0 ? 6 : 4), 2);
		uint16_t mapped = 0;

		if (fd < 0 || (result > 0 && bits == 0))
			continue;
		for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
			if (bits & events[i][0])
				mapped |= events[i][1];
		put_number(out, (uint64_t)(int64_t)fd, 8);
		put_number(out, mapped, 2);
		count++;
	}
	memcpy(count_at, &count, 2);
}

static uint64_t device(uint64_t kernel)
{
	uint64_t major = kernel >> 20, minor = kernel & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffull) << 12;
}

struct params {
	const struct sonde_desc *desc;
	const uint8_t *raw[SONDE_MAX_PARAMS];
	size_t size[SONDE_MAX_PARAMS];
	int64_t result;
};

static void put_param(struct out *out, const struct params *params, unsigned i)
{
	const struct sonde_param *param = &params->desc->params[i];
	const uint8_t *raw = params->raw[i];
	size_t size = params->size[i], length;

	switch (param->kind) {
	case K_EXE: /* the first of the arguments, which follow */
		raw = params->raw[i + 1];
		size = params->size[i + 1];
		length = strnlen((const char *)raw, size);
		put(out, raw, length);
		put(out, "", 1);
		return;
	case K_ARGS:
		length = strnlen((const char *)raw, size) + 1;
		if (length < size)
			put(out, raw + length, size - length);
		return;
	case K_CWD:
		put_path(out, raw, size);
		return;
	case K_EXEPATH:
		if (size > 0)
			put_path(out, raw, size);
		else
			put(out, "", 1);
		return;
	case K_CGROUPS:
		put(out, "pids=", 5);
		put_path(out, raw, size);
		return;
	case K_ADDR:
		put_address(out, raw, size);
		return;
	case K_CONNECTED:
	case K_SENT:
	case K_SENTMSG:
		put_tuple(out, raw, size, 1);
		return;
	case K_RECEIVEDFROM:
	case K_RECEIVEDMSG:
	case K_RECEIVED:
	case K_ACCEPTED:
		put_tuple(out, raw, size, 0);
		return;
	case K_POLL:
		put_fd_list(out, raw, size, params->result);
		return;
	case K_SOCKERR:
		if (number(params->raw[2], 8) == SOL_SOCKET_SCAP && number(params->raw[3], 8) == SO_ERROR_NR) {
			put_number(out, DYN_ERRNO, 1);
			put_number(out, -number(raw, size), 8);
		} else {
			put_number(out, DYN_UINT32, 1);
			put_number(out, number(raw, size), 4);
		}
		return;
	case K_DEV:
		put_number(out, device(number(raw, size)), param->size);
		return;
	case K_NONE:
		put_number(out, 0, param->size);
		return;
	default:
		if (param->size > 0)
			put_number(out, map_value(param->map, number(raw, size)), param->size);
		else
			put(out, raw, size);
	}
}

static void put_option(struct out *out, uint16_t code, const void *value, size_t size)
{
	put_number(out, code, 2);
	put_number(out, size, 2);
	put(out, value, size);
	put_number(out, 0, (4 - size % 4) % 4);
}

size_t sonde_render(const uint8_t *bytes, size_t total, uint64_t epoch_offset, uint8_t *start)
{
	struct out out = { .at = start };
	struct sonde_record record;
	struct params params;
	const uint8_t *raw, *end = bytes + total;
	uint8_t *event, *lengths;
	uint32_t nparams;
	uint16_t code;
	size_t size;

	if (total < sizeof(record))
		return 0;
	memcpy(&record, bytes, sizeof(record));
	if (record.desc >= SONDE_DESCS)
		return 0;
	params.desc = &sonde_descs[record.desc];
	params.result = record.ret;
	nparams = record.desc == 0 ? 2 : params.desc->nparams;
	code = params.desc->code;
	raw = bytes + sizeof(record) + record.nparams * 2;
	if (raw > end)
		return 0;
	for (unsigned i = 0; i < record.nparams && i < SONDE_MAX_PARAMS; i++) {
		size_t length = number(bytes + sizeof(record) + i * 2, 2);

		if (length > (size_t)(end - raw))
			length = (size_t)(end - raw);
		params.raw[i] = raw;
		params.size[i] = length;
		raw += length;
	}

	put_number(&out, BLOCK_EVENT, 4);
	put_number(&out, 0, 4);
	put_number(&out, record.cpu, 2);
	event = out.at;
	put_number(&out, record.ts + epoch_offset, 8);
	put_number(&out, record.tid, 8);
	put_number(&out, 0, 4);
	put_number(&out, code, 2);
	put_number(&out, nparams, 4);
	lengths = out.at;
	out.at += nparams * 2;
	if (record.desc == 0) {
		const uint16_t two[2] = { 2, 2 };

		put_number(&out, record.sc, 2);
		put_number(&out, record.nr, 2);
		memcpy(lengths, two, sizeof(two));
	} else {
		for (unsigned i = 0; i < nparams; i++) {
			uint8_t *before = out.at;
			uint16_t length;

			put_param(&out, &params, i);
			length = (uint16_t)(out.at - before);
			memcpy(lengths + i * 2, &length, 2);
		}
	}
	size = (size_t)(out.at - event);
	memcpy(event + 16, &(uint32_t){ (uint32_t)size }, 4);
	put_number(&out, 0, (4 - (size_t)(out.at - start) % 4) % 4);
	if (record.latency != SONDE_NO_LATENCY)
		put_option(&out, OPTION_LATENCY, &record.latency, 8);
	if (record.desc == 0) {
		put_option(&out, OPTION_RESULT, &record.ret, 8);
		if (raw < end)
			put_option(&out, OPTION_TARGET, raw, (size_t)(end - raw));
	}
	put_number(&out, 0, 4);
	size = (size_t)(out.at - start) + 4;
	put_number(&out, size, 4);
	memcpy(start + 4, &(uint32_t){ (uint32_t)size }, 4);
	return size;
}
