/* SPDX-License-Identifier: Apache-2.0 */
/* Live capture: loads the eBPF programs, and gives out what they send as scap event blocks in the order of time. Knows nothing of
 * Node. One thread at a time may use a capture. */
#ifndef SONDE_CAPTURE_H
#define SONDE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

struct sonde_capture;

struct sonde_options {
	uint32_t snaplen; /* bytes of each I/O buffer, at most 16384 */
	uint64_t ring_bytes; /* of all rings together; rounded up to a power of two a CPU */
	uint32_t own_pid; /* process whose calls are left out */
};

struct sonde_stats {
	uint64_t events;
	uint64_t ring_full, too_big, no_memory, compat; /* lost, by cause */
	uint64_t late; /* given out after one that came later */
	uint64_t instructions; /* of all programs, as the verifier counted them; 0 = not known */
};

/* The last message of libbpf or the verifier, for errors. */
const char *sonde_log(void);

/* Loads the programs. NULL on failure, with *error a negative errno. */
struct sonde_capture *sonde_open(const struct sonde_options *options, int *error);

/* Attaches them: from here on calls are captured. 0 or a negative errno. */
int sonde_start(struct sonde_capture *capture);

/* Writes whole event blocks into `batch`; the number of bytes, 0 if there is nothing to give out yet. */
size_t sonde_drain(struct sonde_capture *capture, uint8_t *batch, size_t size);

void sonde_read_stats(struct sonde_capture *capture, struct sonde_stats *stats);

void sonde_close(struct sonde_capture *capture);

/* Room that one event may need; smaller batches may be refused. */
#define SONDE_BATCH_MIN (256 * 1024)

#endif
