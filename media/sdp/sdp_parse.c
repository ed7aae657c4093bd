/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SDP parser (RFC 8866). It checks the shape of every line and records positions, without
 * copying. Bodies come from any SIP peer, so the grammar is strict where two readers could disagree
 * (bare CR, NUL, a second c=), and tolerant where phones are known to err (spaces in o=, m=video 0
 * with "*"). An error has the line and a constant reason for Warning and log.
 */

#include "media/sdp/sdp.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

struct parser {
	struct sdp_error *error;
	uint32_t seen; /* line types of the section so far: bit 0 is 'a' */
	struct sdp sdp;
};

static int sdp_malformed(struct parser *p, const char *reason)
{
	p->error->line = p->sdp.line_count;
	p->error->reason = reason;
	return -EBADMSG;
}

static struct sdp_span span_of(const struct parser *p, struct bytes slice)
{
	if (slice.n == 0)
		return (struct sdp_span){ 0 };
	return (struct sdp_span){ .at = (uint16_t)(slice.p - p->sdp.text.p),
				  .n = (uint16_t)slice.n };
}

/* RFC 8866 9: byte-string excludes NUL, CR and LF. A bare CR would end the line for others only. */
static bool is_byte_string(struct bytes value)
{
	return bytes_find(value, '\0') == value.n && bytes_find(value, '\r') == value.n;
}

static int check_version(struct parser *p, struct bytes value)
{
	return bytes_is(value, "0") ? 0 : sdp_malformed(p, "v= is not 0");
}

/* The last word of *rest, cut off together with the space before it. */
static struct bytes cut_last(struct bytes *rest)
{
	size_t at = rest->n;

	while (at > 0 && rest->p[at - 1] != ' ')
		at--;

	struct bytes word = bytes_from(*rest, at);

	*rest = bytes_sub(*rest, 0, at ? at - 1 : 0);
	return word;
}

static bool word_is_number(struct bytes word)
{
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9')
			return false;
	}
	return word.n > 0;
}

/* RFC 8866 5.2, read from the end: some phones put spaces into the user name. */
static int check_origin(struct parser *p, struct bytes value)
{
	struct bytes address = cut_last(&value);
	struct bytes family = cut_last(&value);
	struct bytes network = cut_last(&value);
	struct bytes version = cut_last(&value);
	struct bytes id = cut_last(&value);

	if (value.n == 0 || address.n == 0 || family.n == 0 || network.n == 0)
		return sdp_malformed(p, "o= has too few fields");
	if (!word_is_number(id) || !word_is_number(version))
		return sdp_malformed(p, "o= session id or version is not a number");
	return 0;
}

static int sdp_parse_port(struct parser *p, struct bytes word, struct sdp_section *m)
{
	size_t slash = bytes_find(word, '/');
	uint32_t port, count = 1;

	if (bytes_u32(bytes_sub(word, 0, slash), &port) || port > UINT16_MAX)
		return sdp_malformed(p, "m= port out of range");
	if (slash < word.n &&
	    (bytes_u32(bytes_from(word, slash + 1), &count) || count == 0 || count > UINT16_MAX))
		return sdp_malformed(p, "m= port count out of range");
	m->port = (uint16_t)port;
	m->port_count = (uint16_t)count;
	return 0;
}

/* RTP/AVP, UDP/TLS/RTP/SAVPF and so on, but not TCP/BFCP. */
static bool is_rtp(struct bytes proto)
{
	struct bytes word;

	while (bytes_cut(&proto, '/', &word)) {
		if (bytes_iis(word, "RTP"))
			return true;
	}
	return false;
}

static int check_formats(struct parser *p, struct bytes formats)
{
	struct bytes word;
	uint32_t number;

	while (bytes_cut(&formats, ' ', &word)) {
		if (word.n && (bytes_u32(word, &number) || number > 127))
			return sdp_malformed(p, "m= payload type is not 0..127");
	}
	return 0;
}

static int parse_media(struct parser *p, struct bytes value)
{
	struct sdp_section m = { .first = p->sdp.line_count };
	struct bytes rest = value, kind, port, proto;

	if (p->sdp.media_count == SDP_MEDIA_MAX)
		return sdp_malformed(p, "too many m= lines");
	if (!bytes_cut(&rest, ' ', &kind) || !bytes_cut(&rest, ' ', &port) ||
	    !bytes_cut(&rest, ' ', &proto) || kind.n == 0 || proto.n == 0)
		return sdp_malformed(p, "m= has too few fields");
	if (sdp_parse_port(p, port, &m))
		return -EBADMSG;
	rest = bytes_trim(rest);
	if (rest.n == 0)
		return sdp_malformed(p, "m= has no format");
	if (m.port && is_rtp(proto) &&
	    check_formats(p, rest)) /* some refuse with "m=video 0 RTP/AVP *" */
		return -EBADMSG;
	m.kind = span_of(p, kind);
	m.proto = span_of(p, proto);
	m.formats = span_of(p, rest);
	p->seen = 0;
	p->sdp.sections[++p->sdp.media_count] = m;
	return 0;
}

/* Types of which a section has one at most; a second one would let two readers see two things. */
static int check_once(struct parser *p, char type)
{
	uint32_t bit = UINT32_C(1) << (type - 'a');

	if (p->seen & bit && (type == 'v' || type == 'o' || type == 's' || type == 'c'))
		return sdp_malformed(p, "line may occur only once");
	p->seen |= bit;
	return 0;
}

static int check_place(struct parser *p, char type)
{
	uint16_t number = p->sdp.line_count;

	if ((type == 'v') != (number == 1) || (type == 'o') != (number == 2))
		return sdp_malformed(p, "v= and o= must be the first two lines");
	if (type == 's' && p->sdp.media_count)
		return sdp_malformed(p, "s= below an m= line");
	return check_once(p, type);
}

static int parse_value(struct parser *p, char type, struct bytes value)
{
	int err = check_place(p, type);

	if (err)
		return err;
	if (type == 'v')
		return check_version(p, value);
	if (type == 'o')
		return check_origin(p, value);
	return type == 'm' ? parse_media(p, value) : 0;
}

static int parse_line(struct parser *p, struct bytes line)
{
	struct bytes value = bytes_from(line, 2);

	if (p->sdp.line_count == SDP_LINES_MAX)
		return sdp_malformed(p, "too many lines");

	struct sdp_line *out = &p->sdp.lines[p->sdp.line_count++];

	if (line.n < 2 || line.p[0] < 'a' || line.p[0] > 'z' || line.p[1] != '=')
		return sdp_malformed(p, "not a type=value line");
	if (!is_byte_string(value))
		return sdp_malformed(p, "control octet in a line");
	out->type = (char)line.p[0];
	out->value = span_of(p, value);

	int err = parse_value(p, out->type, value);

	p->sdp.sections[p->sdp.media_count].end = p->sdp.line_count;
	return err;
}

static struct bytes without_last_ends(struct bytes in)
{
	while (in.n && (in.p[in.n - 1] == '\n' || in.p[in.n - 1] == '\r'))
		in.n--;
	return in;
}

static int parse_lines(struct parser *p, struct bytes in)
{
	struct bytes rest = without_last_ends(in), line;

	if (rest.n == 0 || rest.p[0] != 'v')
		return sdp_malformed(p, "does not begin with v=");
	while (bytes_cut(&rest, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;

		int err = parse_line(p, line);

		if (err)
			return err;
	}
	return 0;
}

int sdp_parse(struct sdp *out, struct bytes in, struct sdp_error *error)
{
	struct parser p;

	assert(error);
	memset(&p, 0, offsetof(struct parser, sdp.lines));
	p.error = error;
	p.sdp.text = in;
	if (in.n > SDP_TEXT_MAX)
		return sdp_malformed(&p, "too long");

	int err = parse_lines(&p, in);

	if (!err && p.sdp.line_count < 2)
		err = sdp_malformed(&p, "o= is missing");
	if (!err)
		memcpy(out, &p.sdp,
		       offsetof(struct sdp, lines) + p.sdp.line_count * sizeof(p.sdp.lines[0]));
	return err;
}
