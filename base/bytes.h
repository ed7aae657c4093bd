/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices and bounded writers. A slice never owns; a writer never writes past its buffer and
 * remembers that it would have. No allocation here.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

/* n bytes at p, owned elsewhere. p may be NULL only when n is 0. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

/* For printf("%.*s"): LOG("user=" BYTES_FMT, BYTES_ARG(user)) */
#define BYTES_FMT      "%.*s"
#define BYTES_ARG(b)   (int)(b).n, (const char *)(b).p
#define BYTES_LIT(lit) ((struct bytes){ .p = (const uint8_t *)("" lit), .n = sizeof(lit) - 1 })

/* Inline: the packet path cuts slices. */
static inline struct bytes bytes_mem(const void *p, size_t n)
{
	return (struct bytes){ .p = p, .n = n };
}

/* Clamped to a. */
static inline struct bytes bytes_sub(struct bytes a, size_t from, size_t n)
{
	if (from > a.n)
		from = a.n;
	if (n > a.n - from)
		n = a.n - from;
	/* NULL + 0 is undefined in C */
	return (struct bytes){ .p = from ? a.p + from : a.p, .n = n };
}

/* Clamped to a. */
static inline struct bytes bytes_from(struct bytes a, size_t from)
{
	return bytes_sub(a, from, SIZE_MAX);
}

/* From a NUL-terminated string; NULL gives the empty slice. Inline, as the functions below are: the
 * compiler knows the length of a literal, and most compared texts differ in length. */
static inline struct bytes bytes_str(const char *str)
{
	return bytes_mem(str, str ? strlen(str) : 0);
}

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Exact. */
static inline bool bytes_is(struct bytes a, const char *str)
{
	return bytes_eq(a, bytes_str(str));
}

bool bytes_ieq_n(const uint8_t *a, const uint8_t *b, size_t n);

/* ASCII case ignored (RFC 3261 7.3.1). */
static inline bool bytes_ieq(struct bytes a, struct bytes b)
{
	return a.n == b.n && bytes_ieq_n(a.p, b.p, a.n);
}

static inline bool bytes_iis(struct bytes a, const char *str)
{
	return bytes_ieq(a, bytes_str(str));
}

static inline bool bytes_starts(struct bytes a, const char *prefix)
{
	struct bytes want = bytes_str(prefix);

	return a.n >= want.n && bytes_eq(bytes_sub(a, 0, want.n), want);
}

static inline bool bytes_istarts(struct bytes a, const char *prefix)
{
	struct bytes want = bytes_str(prefix);

	return a.n >= want.n && bytes_ieq_n(a.p, want.p, want.n);
}

/* Index of the first c, or a.n if c does not occur. */
static inline size_t bytes_find(struct bytes a, uint8_t c)
{
	const uint8_t *at = a.n ? memchr(a.p, c, a.n) : NULL;

	return at ? (size_t)(at - a.p) : a.n;
}

struct bytes bytes_trim(struct bytes a); /* SP, HT, CR, LF at both ends */
/* Cuts the part before the first sep off *rest (sep is eaten). False when *rest is empty. */
bool bytes_cut(struct bytes *rest, uint8_t sep, struct bytes *part);
/* A letter, digit, '.', '_' or '-': of a name that may be part of a key, a path or a URL. */
static inline bool octet_is_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '.' || c == '_' || c == '-';
}
bool bytes_are_plain(struct bytes text); /* all of them; empty: true */
/* One of those that ',' joins; nothing is never one. */
bool bytes_list_has(struct bytes list, struct bytes one);
/* Whole slice as an unsigned decimal number. 0, -EINVAL (not digits only) or -ERANGE. */
int bytes_u64(struct bytes a, uint64_t *out);
int bytes_u32(struct bytes a, uint32_t *out);
/* Compares in time that depends on the lengths only. */
bool bytes_eq_secret(struct bytes a, struct bytes b);
/* Copies into out (cap bytes) with a NUL at the end. 0 or -ENOSPC (out is then ""). */
int bytes_cstr(struct bytes a, char *out, size_t cap);

/* Appends to p[0..cap). Once something did not fit, overflow stays true and n stays at the end of
 * the last whole append. */
struct writer {
	uint8_t *p;
	size_t cap;
	size_t n;
	bool overflow;
};

static inline struct writer writer_over(void *p, size_t cap)
{
	return (struct writer){ .p = p, .cap = cap };
}

/* Room for n more bytes, or NULL from the first append on that did not fit. */
static inline uint8_t *writer_room(struct writer *w, size_t n)
{
	if (w->overflow || n > w->cap - w->n) {
		w->overflow = true;
		return NULL;
	}
	w->n += n;
	return w->p + w->n - n;
}

static inline void writer_mem(struct writer *w, const void *p, size_t n)
{
	uint8_t *to = n ? writer_room(w, n) : NULL;

	if (to)
		memcpy(to, p, n);
}

static inline void writer_bytes(struct writer *w, struct bytes b)
{
	writer_mem(w, b.p, b.n);
}

static inline void writer_str(struct writer *w, const char *str)
{
	writer_bytes(w, bytes_str(str));
}

/* Needs one byte of room more than it writes (the NUL of vsnprintf). */
void writer_fmt(struct writer *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* In decimal digits, and with text before and behind. Written by hand: printf costs ten times as
 * much, and a call writes about a hundred numbers. */
void writer_u64(struct writer *w, uint64_t v);
void writer_number(struct writer *w, const char *before, uint64_t v, const char *behind);
/* Texts in a row; the first NULL ends it. */
void writer_texts(struct writer *w, const char *const *texts);
#define WRITER_TEXTS(w, ...) writer_texts((w), (const char *const[]){ __VA_ARGS__, NULL })
static inline void writer_u8(struct writer *w, uint8_t v)
{
	writer_mem(w, &v, 1);
}

void writer_be16(struct writer *w, uint16_t v);
void writer_be32(struct writer *w, uint32_t v);
void writer_be64(struct writer *w, uint64_t v);
void writer_hex(struct writer *w, struct bytes b); /* lower case */
/* Pads the text from `from` on with leading zeros up to `width`; an empty text stays empty. */
void writer_zeros(struct writer *w, size_t from, size_t width);
struct bytes writer_done(const struct writer *w); /* what was written */
/* Whole CRLF lines: what was written up to the end of the last complete line. A line that did not
 * fit is left out whole. */
struct bytes writer_lines(const struct writer *w);
bool bytes_are_lines(struct bytes text); /* empty, or it ends in CRLF */

/* Big-endian access to memory that may be unaligned. */
static inline uint16_t be16_get(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static inline uint32_t be32_get(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}

static inline uint64_t be64_get(const uint8_t *p)
{
	return (uint64_t)be32_get(p) << 32 | be32_get(p + 4);
}

static inline void be16_put(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void be32_put(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static inline void be64_put(uint8_t *p, uint64_t v)
{
	be32_put(p, (uint32_t)(v >> 32));
	be32_put(p + 4, (uint32_t)v);
}

/* Crockford-like base 32 without padding, digits 0-9a-v (RFC 4648 7, lower case): 13 digits hold 64
 * bits, most significant first, so that text sorts as the numbers do. */
enum { BASE32_U64_LEN = 13 };
void base32_u64_put(char out[BASE32_U64_LEN], uint64_t v);
/* Exactly 13 digits, upper or lower case. 0 or -EINVAL. */
int base32_u64_get(struct bytes in, uint64_t *out);

/* Hex text to bytes; out needs in.n / 2. 0 or -EINVAL. */
int hex_decode(struct bytes in, uint8_t *out, size_t cap, size_t *n);

/* Owned strings of values on the control thread (dialogs, bindings). Never on the packet path. */

/* p[0..n) plus a NUL; p is NULL when n is 0. Zero-initialised is the empty text. */
struct text {
	char *p;
	uint32_t n;
};

/* Replaces *t by a copy of b. 0 or -ENOMEM (*t is then unchanged). */
int text_set(struct text *t, struct bytes b) NODISCARD;
void text_clear(struct text *t);
/* The same of what may be a secret. */
void text_wipe(struct text *t);
struct bytes text_bytes(const struct text *t);
/* Never NULL. */
const char *text_str(const struct text *t);

#endif
