/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of Opus in Ogg (RFC 7845, RFC 3533) as octets: its properties, and its packets in order.
 * One stream of one or two channels; no allocation.
 */
#ifndef DSP_OGG_H
#define DSP_OGG_H

#include "base/bytes.h"

enum {
	OGG_RATE = 48000,       /* what it counts samples in, whatever was recorded (RFC 7845 4) */
	OGG_PACKET_MAX = 61440, /* RFC 7845 6: no packet of one stream need be longer */
	OGG_PAGE_MAX = 27 + 255 + 255 * 255,
};

struct ogg {
	struct bytes file;
	size_t audio;      /* octets from its beginning to the first page of sound */
	uint64_t samples;  /* that are heard: at least one */
	uint16_t pre_skip; /* that come before those, and are not heard */
	int16_t gain;      /* output gain: 1/256 dB */
	uint8_t channels;  /* 1 or 2 */
};

struct ogg_error {
	size_t at; /* octets from the beginning of the file */
	const char *reason;
};

/* One page. */
struct ogg_page {
	size_t at, end; /* in the file */
	struct bytes lacing, body;
	uint64_t granule; /* OGG_GRANULE_NONE: no packet ends in it */
	uint32_t stream, number;
	uint8_t flags; /* OGG_CONTINUED and such */
};

enum { OGG_CONTINUED = 1, OGG_FIRST = 2, OGG_LAST = 4 };

#define OGG_GRANULE_NONE UINT64_MAX

/* Reads packets. */
struct ogg_packets {
	struct bytes file;
	struct ogg_page page;
	size_t segment; /* of the page, that comes next */
	size_t place;   /* of it, in the body */
	uint8_t octets[OGG_PACKET_MAX];
};

/* Returns 0, or -EBADMSG with the reason in `error` and `out` untouched. Checks all pages: none is
 * missing or damaged, and all packets have known times. A file without a last page, as a killed
 * program leaves it, is played as far as it goes. */
int ogg_parse(struct ogg *out, struct bytes file, struct ogg_error *error) NODISCARD;
/* What ogg_parse took. */
void ogg_packets_open(struct ogg_packets *r, const struct ogg *o);
/* False at the end. The packet is valid until the next call. at: where it ends in the file. */
bool ogg_packets_next(struct ogg_packets *r, struct bytes *packet, size_t *at);

/* Writes all of the page but at and end, with its checksum: what ogg_page_read reads. */
void ogg_page_write(struct writer *w, const struct ogg_page *page);

/* ---- for the files of this noun ---- */

/* The page there. 0 or -EBADMSG. */
int ogg_page_read(struct ogg_page *out, struct bytes file, size_t at,
		  struct ogg_error *error) NODISCARD;
/* Samples at 48 kHz in a packet of n octets with that beginning (RFC 6716 3.1, 3.2.5); 0 if
 * malformed or over 120 ms. */
uint32_t ogg_packet_samples(const uint8_t begin[2], size_t n);

#endif
