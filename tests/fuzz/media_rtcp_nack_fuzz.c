/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the SSRC of the stream (4 octets), a number that says which packets are there (1 octet), then RTCP.
 * Oracle: the numbers asked for are those of a plain reading of the input; of the output it gives those that were not there, in order; all other
 * packets are as they were. And what is named in order is written so that the same is read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "media/rtp/rtcp_write.h"

enum { HEAD_LEN = 5, NUMBERS_MAX = 1 << 16, INPUT_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct numbers {
	size_t count;
	uint16_t list[NUMBERS_MAX];
	uint8_t salt;
};

static bool is_there(uint8_t salt, uint16_t sequence)
{
	return (sequence ^ sequence >> 5 ^ salt) % 3 == 0;
}

static bool note(void *user, uint16_t sequence)
{
	struct numbers *n = user;

	assert(n->count < NUMBERS_MAX);
	n->list[n->count++] = sequence;
	return is_there(n->salt, sequence);
}

static bool is_nack(const struct rtcp_packet *p, uint32_t media)
{
	return p->type == RTCP_TYPE_RTPFB && p->count == RTCP_FEEDBACK_NACK &&
	       be32_get(p->body.p + 4) == media;
}

/* All that are named, or those that are not there. */
static void read_numbers(struct bytes in, uint32_t media, struct numbers *out, bool all)
{
	struct rtcp_packet p;

	while (rtcp_next(&in, &p)) {
		for (size_t at = 8; is_nack(&p, media) && at + 4 <= p.body.n; at += 4) {
			uint16_t pid = be16_get(p.body.p + at), blp = be16_get(p.body.p + at + 2);

			for (unsigned i = 0; i <= 16; i++) {
				uint16_t number = (uint16_t)(pid + i);

				if ((i == 0 || blp >> (i - 1) & 1) &&
				    (all || !is_there(out->salt, number)))
					out->list[out->count++] = number;
			}
		}
	}
}

static bool next_other(struct bytes *in, uint32_t media, struct rtcp_packet *out)
{
	while (rtcp_next(in, out))
		if (!is_nack(out, media))
			return true;
	return false;
}

static void check_others(struct bytes a, struct bytes b, uint32_t media)
{
	struct rtcp_packet in_a, in_b;

	while (next_other(&a, media, &in_a)) {
		assert(next_other(&b, media, &in_b));
		assert(in_a.type == in_b.type && in_a.count == in_b.count &&
		       bytes_eq(in_a.body, in_b.body));
	}
	assert(!next_other(&b, media, &in_b));
}

static void check_numbers(const struct numbers *a, const struct numbers *b)
{
	assert(a->count == b->count);
	assert(memcmp(a->list, b->list, a->count * sizeof(a->list[0])) == 0);
}

/* Of the first packet rtcp_check wants to know the type. */
static bool is_rest_of_compound(struct bytes in)
{
	return in.n == 0 || rtcp_check(in) == 0 || in.p[1] < 192 || in.p[1] > 223;
}

/* Those of the front that are each ahead of the one before. */
static size_t in_order(const struct numbers *n)
{
	size_t count = 1;

	while (count < n->count && count < RTCP_NACK_NUMBERS &&
	       (uint16_t)(n->list[count] - n->list[count - 1] - 1) < 100)
		count++;
	return count;
}

static void check_written(const struct numbers *n, uint32_t media)
{
	static struct numbers read;
	uint8_t memory[RTCP_NACK_MAX];
	struct rtcp_missing m = { .sender = 7, .media = media, .numbers = n->list };
	struct bytes written;

	if (n->count == 0)
		return;
	m.count = in_order(n);
	written = rtcp_nack_write(memory, &m);
	assert(rtcp_check(written) == 0);
	read.count = 0;
	read_numbers(written, media, &read, true);
	assert(read.count == m.count);
	assert(memcmp(read.list, n->list, m.count * sizeof(n->list[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct numbers asked, want, left;
	uint8_t *p;
	struct bytes in;
	uint32_t media;
	size_t n;

	if (size <= HEAD_LEN || size > INPUT_MAX)
		return 0;
	in = bytes_mem(data + HEAD_LEN, size - HEAD_LEN);
	if (rtcp_check(in))
		return 0;
	media = be32_get(data);
	asked.count = want.count = left.count = 0;
	asked.salt = want.salt = left.salt = data[4];
	n = in.n;
	p = malloc(n);
	assert(p);
	memcpy(p, in.p, n);
	rtcp_nack_filter(p, &n, media, note, &asked);
	assert(n <= in.n && is_rest_of_compound(bytes_mem(p, n)));
	read_numbers(in, media, &want, true);
	check_numbers(&asked, &want);
	check_written(&asked, media);
	want.count = 0;
	read_numbers(in, media, &want, false);
	read_numbers(bytes_mem(p, n), media, &left, true);
	check_numbers(&left, &want);
	check_others(in, bytes_mem(p, n), media);
	free(p);
	return 0;
}
