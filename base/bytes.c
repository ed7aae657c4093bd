/* SPDX-License-Identifier: Apache-2.0 */
/* Slices: comparing, cutting, numbers. Pure. The writer and the encodings are in writer.c. */
#include "base/bytes.h"

#include <errno.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_str(const char *str)
{
	return bytes_mem(str, str ? strlen(str) : 0);
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_ieq(struct bytes a, struct bytes b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool bytes_is(struct bytes a, const char *str)
{
	return bytes_eq(a, bytes_str(str));
}

bool bytes_iis(struct bytes a, const char *str)
{
	return bytes_ieq(a, bytes_str(str));
}

bool bytes_starts(struct bytes a, const char *prefix)
{
	struct bytes want = bytes_str(prefix);

	return a.n >= want.n && bytes_eq(bytes_sub(a, 0, want.n), want);
}

bool bytes_istarts(struct bytes a, const char *prefix)
{
	struct bytes want = bytes_str(prefix);

	return a.n >= want.n && bytes_ieq(bytes_sub(a, 0, want.n), want);
}

size_t bytes_find(struct bytes a, uint8_t c)
{
	const uint8_t *at = a.n ? memchr(a.p, c, a.n) : NULL;

	return at ? (size_t)(at - a.p) : a.n;
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
