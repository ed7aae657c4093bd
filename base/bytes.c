/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices (struct bytes), owned strings and the bounded writer of bytes.h: comparing, cutting,
 * numbers, hexadecimal and base32. Nearly every module uses them for text from the network, so
 * nothing here allocates but text_set, reads past a slice or writes past a buffer; a writer
 * remembers an overflow instead. Numbers are formatted by hand, as printf costs ten times as much.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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
	return c <= ' ' && (c == ' ' || c == '\t' || c == '\r' || c == '\n');
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

/* ---- the bounded writer and the text encodings ---- */

static const char g_digits[] = "0123456789abcdefghijklmnopqrstuv";

void writer_fmt(struct writer *w, const char *fmt, ...)
{
	size_t room = w->cap - w->n;
	va_list args;
	int n;

	if (w->overflow || room == 0) {
		w->overflow = true;
		return;
	}
	va_start(args, fmt);
	n = vsnprintf((char *)w->p + w->n, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		w->overflow = true;
	} else {
		w->n += (size_t)n;
	}
}

void writer_u64(struct writer *w, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + v % 10);
		v /= 10;
	} while (v);
	writer_mem(w, digits + at, sizeof(digits) - at);
}

void writer_number(struct writer *w, const char *before, uint64_t v, const char *behind)
{
	writer_str(w, before);
	writer_u64(w, v);
	writer_str(w, behind);
}

void writer_texts(struct writer *w, const char *const *texts)
{
	for (; *texts; texts++)
		writer_str(w, *texts);
}

void writer_be16(struct writer *w, uint16_t v)
{
	uint8_t raw[2];

	be16_put(raw, v);
	writer_mem(w, raw, sizeof(raw));
}

void writer_be32(struct writer *w, uint32_t v)
{
	uint8_t raw[4];

	be32_put(raw, v);
	writer_mem(w, raw, sizeof(raw));
}

void writer_be64(struct writer *w, uint64_t v)
{
	uint8_t raw[8];

	be64_put(raw, v);
	writer_mem(w, raw, sizeof(raw));
}

void writer_hex(struct writer *w, struct bytes b)
{
	uint8_t *to = b.n <= SIZE_MAX / 2 ? writer_room(w, b.n * 2) : NULL;

	for (size_t i = 0; to && i < b.n; i++) {
		to[i * 2] = (uint8_t)g_digits[b.p[i] >> 4];
		to[i * 2 + 1] = (uint8_t)g_digits[b.p[i] & 15];
	}
}

void writer_zeros(struct writer *w, size_t from, size_t width)
{
	size_t n = w->n - from, more = n && n < width ? width - n : 0;

	if (!more || !writer_room(w, more))
		return;
	memmove(w->p + from + more, w->p + from, n);
	memset(w->p + from, '0', more);
}

struct bytes writer_done(const struct writer *w)
{
	return bytes_mem(w->p, w->n);
}

bool bytes_are_plain(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!octet_is_plain(text.p[i]))
			return false;
	}
	return true;
}

bool bytes_are_lines(struct bytes text)
{
	return text.n == 0 || (text.n >= 2 && memcmp(text.p + text.n - 2, "\r\n", 2) == 0);
}

struct bytes writer_lines(const struct writer *w)
{
	struct bytes out = writer_done(w);

	while (!bytes_are_lines(out))
		out.n--;
	return out;
}

void base32_u64_put(char out[BASE32_U64_LEN], uint64_t v)
{
	/* 13 * 5 = 65 bits: the first digit holds only four */
	for (int i = BASE32_U64_LEN - 1; i >= 0; i--) {
		out[i] = g_digits[v & 31];
		v >>= 5;
	}
}

/* Value of a digit of any base up to 32, or 32. */
static uint8_t digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0');
	c |= 0x20;
	if (c >= 'a' && c <= 'v')
		return (uint8_t)(c - 'a' + 10);
	return 32;
}

int base32_u64_get(struct bytes in, uint64_t *out)
{
	uint64_t v = 0;

	if (in.n != BASE32_U64_LEN || digit_value(in.p[0]) > 15)
		return -EINVAL;
	for (size_t i = 0; i < in.n; i++) {
		uint8_t digit = digit_value(in.p[i]);

		if (digit > 31)
			return -EINVAL;
		v = v << 5 | digit;
	}
	*out = v;
	return 0;
}

/* The digit's value plus one, or 0. A start reads some hundred digits per extension. */
static const uint8_t g_hex[UINT8_MAX + 1] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
	['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
	['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
	['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int hex_decode(struct bytes in, uint8_t *out, size_t cap, size_t *n)
{
	if (in.n % 2 || in.n / 2 > cap)
		return -EINVAL;
	for (size_t i = 0; i < in.n / 2; i++) {
		unsigned high = g_hex[in.p[i * 2]], low = g_hex[in.p[i * 2 + 1]];

		if (!high || !low)
			return -EINVAL;
		out[i] = (uint8_t)((high - 1) << 4 | (low - 1));
	}
	*n = in.n / 2;
	return 0;
}
