/* SPDX-License-Identifier: Apache-2.0 */
/* A minimal reader of XML 1.0 documents (xml.h): one tag after the other with attributes and text,
 * without DTD, namespaces or external entities, so that no input can expand or fetch anything.
 * Depth is bounded and the document is not copied. Used for the bodies of requests: resource lists,
 * presence documents (PIDF) and feature events. */

#include "sig/sip/xml.h"

#include <errno.h>

#include "sig/sip/lex.h"

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80;
}

static struct bytes name_cut(struct bytes *rest)
{
	struct bytes all = *rest;
	size_t n = 0;

	while (n < all.n && is_name_char(all.p[n]))
		n++;
	*rest = bytes_from(all, n);
	return bytes_sub(all, 0, n);
}

static struct bytes without_prefix(struct bytes name)
{
	size_t colon = bytes_find(name, ':');

	return colon < name.n ? bytes_from(name, colon + 1) : name;
}

static void space_skip(struct bytes *rest)
{
	while (rest->n && is_space(rest->p[0]))
		*rest = bytes_from(*rest, 1);
}

/* name = "value", and the quotes may be single ones. 1, 0: there is no further one, or -EBADMSG. */
static int attribute_cut(struct bytes *rest, struct bytes *name, struct bytes *value)
{
	size_t end;

	space_skip(rest);
	if (!rest->n)
		return 0;
	*name = name_cut(rest);
	space_skip(rest);
	if (!name->n || !rest->n || rest->p[0] != '=')
		return -EBADMSG;
	*rest = bytes_from(*rest, 1);
	space_skip(rest);
	if (!rest->n || (rest->p[0] != '"' && rest->p[0] != '\''))
		return -EBADMSG;
	end = bytes_find(bytes_from(*rest, 1), rest->p[0]) + 1;
	*value = bytes_sub(*rest, 1, end - 1);
	if (end >= rest->n || bytes_find(*value, '<') < value->n)
		return -EBADMSG;
	*rest = bytes_from(*rest, end + 1);
	return !rest->n || is_space(rest->p[0]) ? 1 : -EBADMSG;
}

int xml_attribute(const struct xml_tag *tag, const char *name, struct bytes *value)
{
	struct bytes rest = tag->attributes, one, text;
	int found = 0, more;

	while ((more = attribute_cut(&rest, &one, &text)) == 1) {
		if (!bytes_is(one, name))
			continue;
		if (found)
			return -EBADMSG;
		*value = text;
		found = 1;
	}
	return more ? more : found;
}

void xml_open(struct xml *x, struct bytes document)
{
	*x = (struct xml){ .rest = document };
	if (bytes_starts(document, "\xef\xbb\xbf"))
		x->rest = bytes_from(document, 3);
}

/* Up to the text that ends it. */
static bool part_skip(struct bytes *rest, const char *end)
{
	struct bytes word = bytes_str(end);
	const uint8_t *at = memmem(rest->p, rest->n, word.p, word.n);

	if (!at)
		return false;
	*rest = bytes_from(*rest, (size_t)(at - rest->p) + word.n);
	return true;
}

/* Comments, instructions. *tag: what begins here is a tag. */
static bool markup_skip(struct bytes *rest, bool *tag)
{
	*tag = false;
	if (bytes_starts(*rest, "<!--"))
		return part_skip(rest, "-->");
	if (bytes_starts(*rest, "<?"))
		return part_skip(rest, "?>");
	*tag = true;
	return !bytes_starts(*rest, "<!"); /* neither a DTD nor CDATA */
}

/* The '>' that ends a tag: one in quotes does not. */
static size_t tag_end(struct bytes in)
{
	uint8_t quote = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			return i;
		}
	}
	return in.n;
}

static int tag_read(struct xml *x, struct xml_tag *out)
{
	struct bytes in = bytes_from(x->rest, 1), name, unused;
	size_t end = tag_end(in);

	if (end == in.n)
		return -EBADMSG;
	x->rest = bytes_from(in, end + 1);
	in.n = end;
	out->begins = !in.n || in.p[0] != '/';
	if (!out->begins)
		in = bytes_from(in, 1);
	out->ends = !out->begins || (in.n && in.p[in.n - 1] == '/');
	if (out->begins && out->ends)
		in.n--;
	name = name_cut(&in);
	out->name = without_prefix(name);
	out->attributes = in;
	if (!out->name.n || (in.n && !is_space(in.p[0])) || xml_attribute(out, "", &unused) < 0)
		return -EBADMSG;
	if (out->begins) {
		if (x->depth == XML_DEPTH_MAX)
			return -EBADMSG;
		x->open[x->depth++] = name;
	}
	if (out->ends && (!x->depth || !bytes_eq(x->open[--x->depth], name)))
		return -EBADMSG;
	return out->begins || !bytes_trim(in).n ? 1 : -EBADMSG;
}

int xml_next(struct xml *x, struct xml_tag *out)
{
	bool inside = x->depth || !x->open[0].n, tag; /* else the root element is over */

	for (;;) {
		size_t n = bytes_find(x->rest, '<');

		out->before = bytes_sub(x->rest, 0, n);
		x->rest = bytes_from(x->rest, n);
		if (!x->depth && bytes_trim(out->before).n)
			return -EBADMSG;
		if (!x->rest.n)
			return inside ? -EBADMSG : 0;
		if (!markup_skip(&x->rest, &tag))
			return -EBADMSG;
		if (tag)
			return inside ? tag_read(x, out) : -EBADMSG;
	}
}

static const struct {
	const char *name;
	uint8_t c;
} g_entities[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }
};

/* "#65" or "#x41"; 0: none. */
static uint32_t code_of_reference(struct bytes entity)
{
	bool hex = entity.n > 1 && entity.p[1] == 'x';
	uint32_t code = 0;

	for (size_t i = hex ? 2 : 1; i < entity.n && code <= 0x10ffff; i++) {
		uint8_t c = entity.p[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			code = code * (hex ? 16 : 10) + c - '0';
		else if (hex && low >= 'a' && low <= 'f')
			code = code * 16 + low - 'a' + 10U;
		else
			return 0;
	}
	return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? code : 0;
}

static void utf8_write(struct writer *w, uint32_t code)
{
	if (code < 0x80) {
		writer_u8(w, (uint8_t)code);
		return;
	}
	if (code >= 0x10000) {
		writer_u8(w, (uint8_t)(0xf0 | code >> 18));
		writer_u8(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)));
	} else if (code >= 0x800) {
		writer_u8(w, (uint8_t)(0xe0 | code >> 12));
	}
	writer_u8(w, (uint8_t)(code >= 0x800 ? 0x80 | (code >> 6 & 0x3f) : 0xc0 | code >> 6));
	writer_u8(w, (uint8_t)(0x80 | (code & 0x3f)));
}

static bool entity_write(struct writer *w, struct bytes entity)
{
	uint32_t code = entity.n && entity.p[0] == '#' ? code_of_reference(entity) : 0;

	for (size_t i = 0; i < COUNT_OF(g_entities) && !code; i++)
		code = bytes_is(entity, g_entities[i].name) ? g_entities[i].c : 0;
	if (code)
		utf8_write(w, code);
	return code != 0;
}

bool xml_unescape(struct writer *w, struct bytes text)
{
	struct bytes plain;

	while (text.n) {
		plain = bytes_sub(text, 0, bytes_find(text, '&'));
		writer_bytes(w, plain);
		text = bytes_from(text, plain.n);
		if (!text.n)
			break;
		plain = bytes_sub(text, 1, bytes_find(text, ';') - 1);
		if (bytes_find(text, ';') == text.n || !entity_write(w, plain))
			return false;
		text = bytes_from(text, plain.n + 2);
	}
	return !w->overflow;
}
