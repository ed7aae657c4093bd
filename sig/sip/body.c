/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of several parts (RFC 2046 5.1, RFC 5621), as body.h describes: finds delimiters, part
 * headers and the session description in a message body, nested parts included. Also escapes text
 * for XML (xml_write). Pure: slices of the body, bounded, nothing is copied. */

#include <errno.h>
#include <string.h>

#include "sig/sip/body.h"
#include "sig/sip/lex.h"

enum { UTF8_MAX = 4 };

static uint32_t utf8_rest(struct bytes text, uint32_t n, uint32_t code)
{
	for (uint32_t i = 1; i < n; i++) {
		if ((text.p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text.p[i] & 0x3f);
	}
	return code;
}

/* The number of octets of the first character; 0: not a character of XML (XML 1.0 2.2, RFC 3629
 * 3). */
static uint32_t utf8_first(struct bytes text)
{
	static const uint32_t least[UTF8_MAX + 1] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t c = text.p[0];
	uint32_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, code;

	if (c < 0x80)
		return c >= ' ' && c != 0x7f;
	if (c < 0xc0 || c > 0xf4 || text.n < n)
		return 0;
	code = utf8_rest(text, n, c & (0x7fU >> n));
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ||
	    code == 0xfffe || code == 0xffff)
		return 0;
	return n;
}

static void write_one(struct writer *w, uint8_t c)
{
	switch (c) {
	case '&':
		writer_str(w, "&amp;");
		return;
	case '<':
		writer_str(w, "&lt;");
		return;
	case '>':
		writer_str(w, "&gt;");
		return;
	case '"':
		writer_str(w, "&quot;");
		return;
	case '\'':
		writer_str(w, "&apos;");
		return;
	default:
		writer_u8(w, c);
	}
}

void xml_write(struct writer *w, struct bytes text)
{
	while (text.n && !w->overflow) {
		uint32_t n = utf8_first(text);

		if (n > 1)
			writer_bytes(w, bytes_sub(text, 0, n));
		else
			write_one(w, n ? text.p[0] : '?');
		text = bytes_from(text, n ? n : 1);
	}
}

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

/* "application/sdp" of "application/sdp; charset=utf-8" */
static struct bytes part_value_of(struct bytes header)
{
	return bytes_trim(bytes_sub(header, 0, bytes_find(header, ';')));
}

static bool param_of(struct bytes header, const char *name, struct bytes *value)
{
	struct bytes rest = bytes_from(header, bytes_find(header, ';'));
	struct lex_param param;

	while (lex_param(&rest, &param) == 1) {
		if (bytes_iis(param.name, name)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

static bool is_multipart(const struct body_part *p)
{
	return bytes_istarts(p->type, "multipart/");
}

/* The delimiter at the start of a line: the text before it (without its line end), and what follows
 * it. */
static bool delimiter_find(struct bytes in, struct bytes boundary, struct bytes *before,
			   struct bytes *after)
{
	size_t at = 0;

	while (at < in.n) {
		struct bytes line = bytes_from(in, at);

		if (line.n >= boundary.n + 2 && line.p[0] == '-' && line.p[1] == '-' &&
		    !memcmp(line.p + 2, boundary.p, boundary.n)) {
			*before = bytes_sub(in, 0, at);
			*after = bytes_from(line, boundary.n + 2);
			return true;
		}
		at += bytes_find(line, '\n') + 1;
	}
	return false;
}

/* RFC 2046 5.1.1: it belongs to the delimiter. */
static struct bytes without_line_end(struct bytes b)
{
	if (b.n && b.p[b.n - 1] == '\n')
		b.n--;
	if (b.n && b.p[b.n - 1] == '\r')
		b.n--;
	return b;
}

/* "--" closes; blanks may follow (transport-padding). Returns false if it is the start of a longer
 * word. */
static bool delimiter_end(struct multipart *m, struct bytes after)
{
	struct bytes line;

	m->closed = after.n >= 2 && after.p[0] == '-' && after.p[1] == '-';
	if (m->closed) {
		m->rest = (struct bytes){ 0 };
		return true;
	}
	if (bytes_find(after, '\n') == after.n || !bytes_cut(&after, '\n', &line) ||
	    bytes_trim(line).n)
		return false;
	m->rest = after;
	return true;
}

/* Up to the next true delimiter. */
static bool delimiter_pass(struct multipart *m, struct bytes *before)
{
	struct bytes in = m->rest, after, piece;
	struct bytes all = m->rest;

	while (delimiter_find(in, m->boundary, &piece, &after)) {
		if (delimiter_end(m, after)) {
			*before = bytes_sub(all, 0, (size_t)(piece.p + piece.n - all.p));
			return true;
		}
		in = after;
		in = bytes_from(in, bytes_find(in, '\n') + 1);
	}
	return false;
}

int multipart_open(struct multipart *m, const struct body_part *whole)
{
	struct bytes preamble;

	*m = (struct multipart){ .rest = whole->octets };
	if (!is_multipart(whole))
		return -ENOTSUP;
	if (!param_of(whole->type, "boundary", &m->boundary) || m->boundary.n == 0 ||
	    m->boundary.n > BOUNDARY_MAX || !delimiter_pass(m, &preamble))
		return -EBADMSG;
	return 0;
}

static bool name_is(struct bytes line, const char *name, struct bytes *value)
{
	size_t colon = bytes_find(line, ':');

	if (!bytes_iis(bytes_trim(bytes_sub(line, 0, colon)), name))
		return false;
	*value = bytes_trim(bytes_from(line, colon + 1));
	return true;
}

static struct bytes without_brackets(struct bytes value)
{
	if (value.n < 2 || value.p[0] != '<' || value.p[value.n - 1] != '>')
		return (struct bytes){ 0 };
	return bytes_sub(value, 1, value.n - 2);
}

static bool part_header_read(struct body_part *p, struct bytes line)
{
	struct bytes value;

	if (bytes_find(line, ':') == line.n)
		return false;
	if (name_is(line, "Content-Type", &value) || name_is(line, "c", &value))
		p->type = value;
	else if (name_is(line, "Content-Disposition", &value))
		p->disposition = value;
	else if (name_is(line, "Content-ID", &value))
		p->id = without_brackets(value);
	else if (name_is(line, "Content-Encoding", &value) || name_is(line, "e", &value))
		p->coding = value;
	else if (name_is(line, "Content-Transfer-Encoding", &value) && p->coding.n == 0)
		p->coding = value;
	return true;
}

/* A header with the lines that go on with it: those begin with a blank. */
static struct bytes part_header_cut(struct bytes *rest)
{
	struct bytes all = *rest, line;

	(void)bytes_cut(rest, '\n', &line);
	while (bytes_trim(line).n && rest->n && lex_is_blank(rest->p[0])) {
		struct bytes next;

		(void)bytes_cut(rest, '\n', &next);
		line = bytes_sub(all, 0, (size_t)(next.p + next.n - all.p));
	}
	return bytes_trim(line);
}

static int part_read(struct body_part *out, struct bytes in)
{
	struct body_part p = { 0 };
	struct bytes line;

	while (in.n) {
		line = part_header_cut(&in);
		if (line.n == 0)
			break;
		if (!part_header_read(&p, line))
			return -EBADMSG;
	}
	p.octets = without_line_end(in);
	*out = p;
	return 0;
}

int multipart_next(struct multipart *m, struct body_part *out)
{
	struct bytes part;

	if (m->closed)
		return 0;
	if (!delimiter_pass(m, &part))
		return -EBADMSG;
	return part_read(out, part) ? -EBADMSG : 1;
}

static bool is_as_it_stands(struct bytes coding)
{
	return coding.n == 0 || bytes_iis(coding, "identity") || bytes_iis(coding, "binary") ||
	       bytes_iis(coding, "8bit") || bytes_iis(coding, "7bit");
}

/* RFC 3261 20.11: the disposition of SDP is session by default. */
static bool is_session(const struct body_part *p)
{
	struct bytes disposition = part_value_of(p->disposition);

	return bytes_iis(part_value_of(p->type), "application/sdp") &&
	       (disposition.n == 0 || bytes_iis(disposition, "session"));
}

static bool handling_is(const struct body_part *p, const char *word)
{
	struct bytes handling;

	return param_of(p->disposition, "handling", &handling) && bytes_iis(handling, word);
}

struct search {
	struct multipart stack[MULTIPART_DEPTH];
	bool any_will_do[MULTIPART_DEPTH]; /* multipart/alternative: what we know of is enough */
	unsigned depth;
	bool found;
	struct bytes sdp;
};

static int search_enter(struct search *s, const struct body_part *p)
{
	int err;

	if (s->depth == MULTIPART_DEPTH)
		return -ENOTSUP;
	err = multipart_open(&s->stack[s->depth], p);
	if (!err)
		s->any_will_do[s->depth++] =
			bytes_iis(part_value_of(p->type), "multipart/alternative");
	return err;
}

static int search_part(struct search *s, const struct body_part *p)
{
	bool alternative = s->any_will_do[s->depth - 1];

	if (is_multipart(p))
		return search_enter(s, p);
	if (is_session(p) && is_as_it_stands(p->coding)) {
		if (!s->found || alternative) /* the last of them is the best (RFC 2046 5.1.4) */
			s->sdp = p->octets;
		s->found = true;
		return 0;
	}
	return !alternative && (is_session(p) || handling_is(p, "required")) ? -ENOTSUP : 0;
}

static int search_all(struct search *s)
{
	struct body_part p;
	int err = 0;

	while (!err && s->depth) {
		int more = multipart_next(&s->stack[s->depth - 1], &p);

		if (more == 0)
			s->depth--;
		else
			err = more < 0 ? more : search_part(s, &p);
	}
	return err;
}

static int session_in_parts(const struct body_part *whole, struct bytes *sdp)
{
	struct search s = { 0 };
	int err = search_enter(&s, whole);

	if (!err)
		err = search_all(&s);
	if (!err)
		*sdp = s.sdp;
	return err;
}

int body_session(const struct body_part *whole, struct bytes *sdp)
{
	*sdp = (struct bytes){ 0 };
	if (whole->octets.n == 0)
		return 0;
	if (is_as_it_stands(whole->coding) && is_session(whole)) {
		*sdp = whole->octets;
		return 0;
	}
	if (is_as_it_stands(whole->coding) && is_multipart(whole))
		return session_in_parts(whole, sdp);
	return handling_is(whole, "optional") ? 0 : -ENOTSUP; /* RFC 3261 8.2.3 */
}

bool body_part_is(const struct body_part *p, const char *type)
{
	return bytes_iis(part_value_of(p->type), type);
}

bool body_part_find(const struct body_part *whole, struct bytes id, struct body_part *out)
{
	struct multipart m;
	struct body_part p;

	if (!id.n || !is_as_it_stands(whole->coding) || multipart_open(&m, whole))
		return false;
	while (multipart_next(&m, &p) == 1) {
		if (!bytes_eq(p.id, id))
			continue;
		*out = p;
		return is_as_it_stands(p.coding);
	}
	return false;
}
