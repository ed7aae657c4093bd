/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis/resp.h"

#include <errno.h>
#include <string.h>

enum { DIGITS_MAX = 20 };

/* "$12\r\n" */
static size_t head_put(uint8_t *p, char kind, uint64_t n)
{
	struct writer w = writer_over(p, RESP_FRAME);

	writer_u8(&w, (uint8_t)kind);
	writer_u64(&w, n);
	writer_mem(&w, "\r\n", 2);
	return w.n;
}

int resp_command(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, RESP_FRAME);

	if (!p)
		return -ENOSPC;
	redis_buffer_grew(b, head_put(p, '*', n));
	return 0;
}

uint8_t *resp_open(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, RESP_FRAME + n);

	if (!p)
		return NULL;
	redis_buffer_grew(b, head_put(p, '$', n));
	return redis_buffer_room(b, n + 2); /* which is there */
}

void resp_closed(struct redis_buffer *b, size_t n)
{
	uint8_t *p = redis_buffer_room(b, n + 2);

	memcpy(p + n, "\r\n", 2);
	redis_buffer_grew(b, n + 2);
}

int resp_text(struct redis_buffer *b, struct bytes text)
{
	uint8_t *p = resp_open(b, text.n);

	if (!p)
		return -ENOSPC;
	if (text.n)
		memcpy(p, text.p, text.n);
	resp_closed(b, text.n);
	return 0;
}

int resp_number(struct redis_buffer *b, uint64_t number)
{
	uint8_t digits[DIGITS_MAX];
	struct writer w = writer_over(digits, sizeof(digits));

	writer_u64(&w, number);
	return resp_text(b, writer_done(&w));
}

int resp_words(struct redis_buffer *b, const struct bytes *words, size_t n)
{
	int err = resp_command(b, n);

	for (size_t i = 0; i < n && !err; i++)
		err = resp_text(b, words[i]);
	return err;
}
