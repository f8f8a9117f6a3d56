/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SONDE_RENDER_H
#define SONDE_RENDER_H

#include <stddef.h>
#include <stdint.h>

/* Makes a scap event block of a record from the ring. `out` has at least SONDE_RENDER_ROOM(size) bytes; returns the bytes used. */
size_t sonde_render(const uint8_t *record, size_t size, uint64_t epoch_offset, uint8_t *out);

#define SONDE_RENDER_ROOM(size) ((size) * 2 + 4096)

#endif
