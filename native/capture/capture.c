/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../bpf/wire.h"
#include "capture.h"
#include "render.h"
#include "sonde.skel.h"

/* Events of other CPUs may come this much later than the newest: how long one is held back to be put in order. */
#define ORDER_WINDOW_NS 2000000
/* Held back at most, over all CPUs; beyond it the rings fill and losses are counted there. */
#define STAGED_MAX (64u << 20)
#define NS 1000000000ull

/* Records of one ring that wait to be given out: u32 size, then the record. */
struct staged {
	uint8_t *bytes;
	size_t head, tail, capacity;
};

struct source {
	struct sonde_capture *capture;
	struct staged staged;
	int ring_fd;
};

struct sonde_capture {
	struct sonde_bpf *skeleton;
	struct ring_buffer *rings;
	struct source *sources;
	unsigned cpus;
	size_t staged;
	uint64_t epoch_offset;
	uint64_t last_ts;
	uint64_t events, late;
};

static char log_text[2048];

const char *sonde_log(void)
{
	return log_text;
}

/* Keeps the end of what libbpf says: of the verifier's long log, the reason stands last. */
static int keep_log(enum libbpf_print_level level, const char *format, va_list args)
{
	enum { LONGEST = 1 << 20 };
	char *text;
	size_t length;

	if (level > LIBBPF_WARN)
		return 0;
	text = malloc(LONGEST);
	if (!text)
		return 0;
	vsnprintf(text, LONGEST, format, args);
	length = strlen(text);
	if (length >= sizeof(log_text) / 2) {
		memmove(text, text + length - sizeof(log_text) / 2 + 1, sizeof(log_text) / 2);
		length = strlen(text);
	}
	if (strlen(log_text) + length >= sizeof(log_text))
		log_text[0] = 0;
	strcat(log_text, text);
	free(text);
	return 0;
}

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS + (uint64_t)time.tv_nsec;
}

static uint32_t power_of_two(uint64_t wanted)
{
	uint64_t size = 64 * 1024;

	while (size < wanted && size < 1u << 30)
		size *= 2;
	return (uint32_t)size;
}

/* Rings are emptied into memory at once, so that the programs never wait for the order to be made. */
static int stage(void *context, void *data, size_t size)
{
	struct source *source = context;
	struct staged *staged = &source->staged;
	uint32_t length = (uint32_t)size;

	if (source->capture->staged + size > STAGED_MAX)
		return -ENOSPC;
	if (staged->tail + size + 4 > staged->capacity) {
		size_t used = staged->tail - staged->head;

		if (staged->head > staged->capacity / 2) {
			memmove(staged->bytes, staged->bytes + staged->head, used);
		} else {
			size_t capacity = staged->capacity * 2 + size + (64 << 10);
			uint8_t *bytes = malloc(capacity);

			if (!bytes)
				return -ENOMEM;
			if (used > 0)
				memcpy(bytes, staged->bytes + staged->head, used);
			free(staged->bytes);
			staged->bytes = bytes;
			staged->capacity = capacity;
		}
		staged->head = 0;
		staged->tail = used;
		if (staged->tail + size + 4 > staged->capacity)
			return -ENOSPC;
	}
	memcpy(staged->bytes + staged->tail, &length, 4);
	memcpy(staged->bytes + staged->tail + 4, data, size);
	staged->tail += size + 4;
	source->capture->staged += size + 4;
	return 0;
}

static int make_rings(struct sonde_capture *capture, uint32_t size)
{
	int outer = bpf_map__fd(capture->skeleton->maps.rings);

	for (unsigned cpu = 0; cpu < capture->cpus; cpu++) {
		struct source *source = &capture->sources[cpu];
		int error;

		source->capture = capture;
		source->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "sonde_ring", 0, 0, size, NULL);
		if (source->ring_fd < 0)
			return source->ring_fd;
		error = bpf_map_update_elem(outer, &cpu, &source->ring_fd, BPF_ANY);
		if (error)
			return error;
		if (!capture->rings) {
			capture->rings = ring_buffer__new(source->ring_fd, stage, source, NULL);
			if (!capture->rings)
				return -errno;
		} else {
			error = ring_buffer__add(capture->rings, source->ring_fd, stage, source);
			if (error)
				return error;
		}
	}
	return 0;
}

struct sonde_capture *sonde_open(const struct sonde_options *options, int *error)
{
	struct sonde_capture *capture = calloc(1, sizeof(*capture));
	struct sonde_bpf *skeleton;

	log_text[0] = 0;
	libbpf_set_print(keep_log);
	*error = -ENOMEM;
	if (!capture)
		return NULL;
	capture->cpus = (unsigned)libbpf_num_possible_cpus();
	capture->sources = calloc(capture->cpus, sizeof(*capture->sources));
	skeleton = sonde_bpf__open();
	capture->skeleton = skeleton;
	if (!capture->sources || !skeleton) {
		*error = -errno;
		goto failed;
	}
	for (unsigned cpu = 0; cpu < capture->cpus; cpu++)
		capture->sources[cpu].ring_fd = -1;
	skeleton->rodata->own_pid = options->own_pid;
	skeleton->rodata->snaplen = options->snaplen > 16384 ? 16384 : options->snaplen;
	bpf_map__set_max_entries(skeleton->maps.rings, capture->cpus);
	bpf_map__set_max_entries(skeleton->maps.scratches, capture->cpus);
	*error = sonde_bpf__load(skeleton);
	if (*error)
		goto failed;
	*error = make_rings(capture, power_of_two(options->ring_bytes / capture->cpus));
	if (*error)
		goto failed;
	return capture;
failed:
	sonde_close(capture);
	return NULL;
}

int sonde_start(struct sonde_capture *capture)
{
	uint64_t before = now(CLOCK_BOOTTIME);
	uint64_t real = now(CLOCK_REALTIME);

	/* the middle of two readings: the clocks cannot be read at once */
	capture->epoch_offset = real - (before + now(CLOCK_BOOTTIME)) / 2;
	return sonde_bpf__attach(capture->skeleton);
}

static const uint8_t *head_of(const struct staged *staged)
{
	return staged->bytes + staged->head;
}

/* The source whose first record is the oldest, if that is not after `until`. */
static struct source *oldest(struct sonde_capture *capture, uint64_t until, uint64_t *ts)
{
	struct source *best = NULL;

	*ts = until;
	for (unsigned cpu = 0; cpu < capture->cpus; cpu++) {
		struct source *source = &capture->sources[cpu];
		uint64_t first;

		if (source->staged.head == source->staged.tail)
			continue;
		memcpy(&first, head_of(&source->staged) + 4, 8);
		if (first <= *ts) {
			*ts = first;
			best = source;
		}
	}
	return best;
}

size_t sonde_drain(struct sonde_capture *capture, uint8_t *batch, size_t size)
{
	/* whatever happened before this moment is in a ring now */
	uint64_t until = now(CLOCK_BOOTTIME) - ORDER_WINDOW_NS;
	size_t used = 0;

	ring_buffer__consume(capture->rings);
	for (;;) {
		uint64_t ts;
		struct source *source = oldest(capture, until, &ts);
		uint32_t length;

		if (!source)
			break;
		memcpy(&length, head_of(&source->staged), 4);
		if (SONDE_RENDER_ROOM(length) > size - used)
			break;
		used += sonde_render(head_of(&source->staged) + 4, length, capture->epoch_offset, batch + used);
		source->staged.head += length + 4;
		capture->staged -= length + 4;
		if (source->staged.head == source->staged.tail)
			source->staged.head = source->staged.tail = 0;
		capture->events++;
		if (ts < capture->last_ts)
			capture->late++;
		else
			capture->last_ts = ts;
	}
	return used;
}

static uint64_t dropped(struct sonde_capture *capture, uint32_t cause)
{
	uint64_t total = 0, *counts = calloc(capture->cpus, sizeof(*counts));

	if (counts && bpf_map_lookup_elem(bpf_map__fd(capture->skeleton->maps.drops), &cause, counts) == 0)
		for (unsigned cpu = 0; cpu < capture->cpus; cpu++)
			total += counts[cpu];
	free(counts);
	return total;
}

static uint64_t verified_instructions(struct sonde_capture *capture)
{
	struct bpf_program *program;
	uint64_t total = 0;

	bpf_object__for_each_program(program, capture->skeleton->obj) {
		struct bpf_prog_info info = { 0 };
		__u32 length = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length) == 0)
			total += info.verified_insns;
	}
	return total;
}

void sonde_read_stats(struct sonde_capture *capture, struct sonde_stats *stats)
{
	*stats = (struct sonde_stats){
		.events = capture->events,
		.ring_full = dropped(capture, SONDE_DROP_RING_FULL),
		.too_big = dropped(capture, SONDE_DROP_TOO_BIG),
		.no_memory = dropped(capture, SONDE_DROP_NO_MEMORY),
		.compat = dropped(capture, SONDE_DROP_COMPAT),
		.late = capture->late,
		.instructions = verified_instructions(capture),
	};
}

void sonde_close(struct sonde_capture *capture)
{
	if (!capture)
		return;
	if (capture->skeleton)
		sonde_bpf__detach(capture->skeleton);
	ring_buffer__free(capture->rings);
	if (capture->sources) {
		for (unsigned cpu = 0; cpu < capture->cpus; cpu++) {
			if (capture->sources[cpu].ring_fd >= 0)
				close(capture->sources[cpu].ring_fd);
			free(capture->sources[cpu].staged.bytes);
		}
	}
	free(capture->sources);
	if (capture->skeleton)
		sonde_bpf__destroy(capture->skeleton);
	free(capture);
}
