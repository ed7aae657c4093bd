/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser for JSON objects without nesting (RFC 8259, the subset of flat.h), without allocation:
 * values are slices of the caller's text. app/schema reads stored documents with it, of which a
 * start has many thousands; jansson would build and free a tree for each. Duplicate names are found
 * by a bit set, so that only a collision compares all names. Any text outside the subset is
 * refused, and the caller falls back to jansson.
 */

#include "base/flat.h"

#include "base/json.h"

/* 10^18 - 1 fits every reader's integer. */
enum { DIGITS_MAX = 18, NAME_BITS = 256 };

/* Names already seen, as bits: only a name with its bit set is compared with all the others. */
struct flat_seen {
	uint64_t bits[NAME_BITS / 64];
};

static bool flat_is_plain(uint8_t c)
{
	return c >= ' ' && c != '"' && c != '\\';
}

static bool flat_accept(struct bytes *rest, uint8_t c)
{
	if (!rest->n || rest->p[0] != c)
		return false;
	*rest = bytes_from(*rest, 1);
	return true;
}

static bool flat_text(struct bytes *rest, struct bytes *out)
{
	uint8_t all = 0;
	size_t n = 0;

	if (!flat_accept(rest, '"'))
		return false;
	while (n < rest->n && flat_is_plain(rest->p[n]))
		all |= rest->p[n++];
	*out = bytes_sub(*rest, 0, n);
	*rest = bytes_from(*rest, n);
	return flat_accept(rest, '"') && (all < 0x80 || utf8_is(*out));
}

static bool flat_number(struct bytes *rest, struct flat_value *v)
{
	size_t n = 0;

	while (n < rest->n && n <= DIGITS_MAX && rest->p[n] >= '0' && rest->p[n] <= '9')
		v->number = 10 * v->number + (uint64_t)(rest->p[n++] - '0');
	if (!n || n > DIGITS_MAX || (n > 1 && rest->p[0] == '0'))
		return false;
	*rest = bytes_from(*rest, n);
	v->kind = FLAT_NUMBER;
	return true;
}

static bool flat_words(struct bytes *rest, struct flat_value *v)
{
	struct bytes from, unused;

	if (!flat_accept(rest, '['))
		return false;
	from = *rest;
	while (!flat_accept(rest, ']')) {
		if ((v->count && !flat_accept(rest, ',')) || !flat_text(rest, &unused))
			return false;
		v->count++;
	}
	v->kind = FLAT_WORDS;
	v->text = bytes_sub(from, 0, from.n - rest->n - 1);
	return true;
}

static bool flat_literal(struct bytes *rest, struct flat_value *v)
{
	if (bytes_starts(*rest, "true"))
		v->kind = FLAT_TRUE;
	else if (bytes_starts(*rest, "false"))
		v->kind = FLAT_FALSE;
	*rest = bytes_from(*rest, v->kind == FLAT_TRUE ? 4 : 5);
	return v->kind != FLAT_NONE;
}

static bool flat_value_read(struct bytes *rest, struct flat_value *v)
{
	*v = (struct flat_value){ 0 };
	switch (rest->n ? rest->p[0] : 0) {
	case '"':
		v->kind = FLAT_TEXT;
		return flat_text(rest, &v->text);
	case '[':
		return flat_words(rest, v);
	case 't':
	case 'f':
		return flat_literal(rest, v);
	default:
		return flat_number(rest, v);
	}
}

/* Few names of an object have the same. */
static uint32_t name_bit(struct bytes name)
{
	uint32_t mixed = (uint32_t)name.n;

	if (name.n)
		mixed += 7U * name.p[0] + 31U * name.p[name.n / 2] + 61U * name.p[name.n - 1];
	return mixed % NAME_BITS;
}

static bool name_is_new(const struct flat *f, struct flat_seen *seen, struct bytes name)
{
	uint32_t bit = name_bit(name);
	uint64_t mask = UINT64_C(1) << bit % 64;
	bool new = !(seen->bits[bit / 64] & mask);

	seen->bits[bit / 64] |= mask;
	if (new)
		return true;
	for (uint32_t i = 0; i < f->n; i++) {
		if (bytes_eq(f->names[i], name))
			return false;
	}
	return true;
}

static bool flat_member(struct flat *f, struct flat_seen *seen, struct bytes *rest)
{
	struct bytes name;

	if (f->n == FLAT_MEMBERS_MAX || !flat_text(rest, &name) || !flat_accept(rest, ':') ||
	    !flat_value_read(rest, &f->values[f->n]) || !name_is_new(f, seen, name))
		return false;
	f->names[f->n++] = name;
	return true;
}

bool flat_read(struct flat *out, struct bytes text)
{
	struct flat_seen seen = { 0 };

	out->n = out->next = 0;
	if (!flat_accept(&text, '{'))
		return false;
	while (!flat_accept(&text, '}')) {
		if ((out->n && !flat_accept(&text, ',')) || !flat_member(out, &seen, &text))
			return false;
	}
	return !text.n;
}

struct flat_value flat_find(struct flat *f, struct bytes name)
{
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t at = f->next < f->n ? f->next : 0;

		f->next = at + 1;
		if (bytes_eq(f->names[at], name))
			return f->values[at];
	}
	return (struct flat_value){ 0 };
}

bool flat_word(struct bytes *words, struct bytes *word)
{
	(void)flat_accept(words, ',');
	return flat_text(words, word);
}
