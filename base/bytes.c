/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparing, cutting, numbers. Pure. The writer and the encodings are in writer.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

int text_set(struct text *t, struct bytes b)
{
	char *copy = NULL;

	if (b.n >= UINT32_MAX)
		return -ENOMEM;
	if (b.n) {
		copy = malloc(b.n + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, b.p, b.n);
		copy[b.n] = '\0';
	}
	free(t->p); /* last: b may lie within the old text */
	*t = (struct text){ .p = copy, .n = (uint32_t)b.n };
	return 0;
}

void text_clear(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

void text_wipe(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, t->n);
	text_clear(t);
}

struct bytes text_bytes(const struct text *t)
{
	return bytes_mem(t->p, t->n);
}

const char *text_str(const struct text *t)
{
	return t->p ? t->p : "";
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters that differ in case differ in one bit. */
bool bytes_ieq_n(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t differs = a[i] ^ b[i];

		if (differs && (differs != 0x20 || (uint8_t)((a[i] | 0x20) - 'a') > 'z' - 'a'))
			return false;
	}
	return true;
}

struct bytes bytes_trim(struct bytes a)
{
	size_t from = 0;

	while (from < a.n && is_blank(a.p[from]))
		from++;
	while (a.n > from && is_blank(a.p[a.n - 1]))
		a.n--;
	return bytes_from(a, from);
}

bool bytes_cut(struct bytes *rest, uint8_t sep, struct bytes *part)
{
	size_t at = bytes_find(*rest, sep);

	if (rest->n == 0)
		return false;
	*part = bytes_sub(*rest, 0, at);
	*rest = bytes_from(*rest, at + 1);
	return true;
}

bool bytes_list_has(struct bytes list, struct bytes one)
{
	struct bytes part;

	while (one.n && bytes_cut(&list, ',', &part)) {
		if (bytes_eq(part, one))
			return true;
	}
	return false;
}

int bytes_u64(struct bytes a, uint64_t *out)
{
	uint64_t v = 0;
	bool wide = false;

	if (a.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < a.n; i++) {
		uint8_t digit = (uint8_t)(a.p[i] - '0');

		if (digit > 9)
			return -EINVAL;
		wide |= __builtin_mul_overflow(v, UINT64_C(10), &v);
		wide |= __builtin_add_overflow(v, (uint64_t)digit, &v);
	}
	if (wide)
		return -ERANGE;
	*out = v;
	return 0;
}

int bytes_u32(struct bytes a, uint32_t *out)
{
	uint64_t v;
	int err = bytes_u64(a, &v);

	if (err)
		return err;
	if (v > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)v;
	return 0;
}

bool bytes_eq_secret(struct bytes a, struct bytes b)
{
	uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff |= (uint8_t)(a.p[i] ^ b.p[i]);
	/* the compiler must not see that diff only matters as zero or not, or it may leave early */
	__asm__("" : "+r"(diff));
	return diff == 0;
}

int bytes_cstr(struct bytes a, char *out, size_t cap)
{
	if (a.n >= cap) {
		if (cap)
			out[0] = '\0';
		return -ENOSPC;
	}
	if (a.n)
		memcpy(out, a.p, a.n);
	out[a.n] = '\0';
	return 0;
}
