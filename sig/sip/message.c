/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram to message: the start line, then one check after another; the first that fails names the error. */
#include "sig/sip/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/lex.h"
#include "sig/sip/message_head.h"

enum { CSEQ_LIMIT_BIT = 31, STATUS_MIN = 100, STATUS_MAX = 699 };

/* NULL when all is well, else the reason. */
typedef const char *check_fn(struct sip_message *m);

static const struct header_line *message_line_of(const struct sip_message *m, enum header_id id)
{
	return message_head_line(m->head, id, 0);
}

static const char *check_layout(struct sip_message *m)
{
	return m->head->defect;
}

/* RFC 4475 3.3.8 */
static const char *check_single(struct sip_message *m)
{
	static const enum header_id single[] = {
		HEADER_CALL_ID, HEADER_CONTENT_TYPE, HEADER_CSEQ, HEADER_EXPIRES,
		HEADER_FROM,    HEADER_MAX_FORWARDS, HEADER_TO,
	};

	for (size_t i = 0; i < COUNT_OF(single); i++) {
		if (message_head_line(m->head, single[i], 1))
			return "header_repeated";
	}
	return NULL;
}

static const char *check_via(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_VIA);
	struct bytes element;

	if (!line)
		return "via_missing";
	for (unsigned i = 0; (line = message_head_line(m->head, HEADER_VIA, i)) != NULL; i++) {
		struct bytes rest = line->value;

		if (rest.n == 0)
			return "via_malformed";
		while (lex_element(&rest, &element)) {
			if (element.n == 0 ||
			    (m->via_count++ == 0 && sip_via_parse(&m->via, element)))
				return "via_malformed";
		}
	}
	/* RFC 4475 3.2.1 */
	return m->request && bytes_iis(m->via.branch, "z9hG4bK") ? "via_branch_empty" : NULL;
}

static const char *check_from(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_FROM);

	if (!line)
		return "from_missing";
	return sip_name_addr_parse(&m->from, line->value) ? "from_malformed" : NULL;
}

static const char *check_to(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_TO);

	if (!line)
		return "to_missing";
	return sip_name_addr_parse(&m->to, line->value) ? "to_malformed" : NULL;
}

static const char *check_call_id(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_CALL_ID);

	if (!line)
		return "call_id_missing";
	for (size_t i = 0; i < line->value.n; i++) {
		if (line->value.p[i] <= ' ' || line->value.p[i] == 0x7f)
			return "call_id_malformed";
	}
	m->call_id = line->value;
	return m->call_id.n ? NULL : "call_id_malformed";
}

static const char *check_cseq(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_CSEQ);
	struct bytes rest;
	struct bytes digits;
	uint64_t number;
	int err;

	if (!line)
		return "cseq_missing";
	rest = line->value;
	digits = lex_token(&rest);
	lex_skip_blank(&rest);
	err = bytes_u64(digits, &number);
	if (err == -EINVAL || !lex_is_token(rest))
		return "cseq_malformed";
	if (err || number >= BIT64(CSEQ_LIMIT_BIT)) /* RFC 3261 8.1.1.5 */
		return "cseq_out_of_range";
	m->cseq = (uint32_t)number;
	if (m->request)
		return bytes_eq(rest, m->method_name) ? NULL : "cseq_method_mismatch";
	m->method_name = rest;
	m->method = sip_method_parse(rest);
	return NULL;
}

static const char *check_max_forwards(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_MAX_FORWARDS);
	uint32_t v;

	m->max_forwards = -1;
	if (!line)
		return NULL;
	if (bytes_u32(line->value, &v) || v > UINT8_MAX)
		return "max_forwards_malformed";
	m->max_forwards = (int32_t)v;
	return NULL;
}

static const char *check_contact(struct sip_message *m)
{
	const struct header_line *line = message_line_of(m, HEADER_CONTACT);
	unsigned cursor = 0;

	if (!line)
		return NULL;
	m->has_contact = true;
	m->contact_header = line->value;
	if (bytes_is(line->value, "*"))
		return NULL;
	return message_name_addr_next(m, "Contact", &cursor, &m->contact) == 1
		       ? NULL
		       : "contact_malformed";
}

/* RFC 3261 18.3: over UDP the rest of the datagram is noise, and a length beyond its end an error. */
static const char *check_content_length(struct sip_message *m)
{
	const struct header_line *line;
	uint64_t length = m->head->body.n;

	for (unsigned i = 0; (line = message_head_line(m->head, HEADER_CONTENT_LENGTH, i)) != NULL;
	     i++) {
		uint64_t before = length;
		int err = bytes_u64(line->value, &length);

		if (err == -EINVAL)
			return "content_length_malformed";
		if (err || length > m->head->body.n)
			return "content_length_too_large";
		if (i && length != before)
			return "content_length_repeated";
	}
	m->body = bytes_sub(m->head->body, 0, (size_t)length);
	line = message_line_of(m, HEADER_CONTENT_TYPE);
	if (line)
		m->content_type = line->value;
	return NULL;
}

static check_fn *const g_checks[] = {
	check_layout,  check_single, check_via,          check_from,    check_to,
	check_call_id, check_cseq,   check_max_forwards, check_contact, check_content_length,
};

static struct message_error check_all(struct sip_message *m)
{
	struct message_error error = { 0 };

	for (size_t i = 0; i < COUNT_OF(g_checks); i++) {
		const char *reason = g_checks[i](m); /* all run: an answer needs what they fill */

		if (reason && !error.reason)
			error = (struct message_error){ .status = 400, .reason = reason };
	}
	return error;
}

/* Method SP Request-URI SP SIP-Version (RFC 3261 7.1), single blanks: RFC 4475 3.1.2.8 to 3.1.2.10 say 400. */
static struct message_error parse_request_line(struct sip_message *m, struct bytes line)
{
	struct bytes uri;

	m->request = true;
	m->method_name = lex_token(&line);
	m->method = sip_method_parse(m->method_name);
	line = bytes_from(line, 1);
	if (!bytes_cut(&line, ' ', &uri) || bytes_find(line, ' ') < line.n)
		return (struct message_error){ 400, "request_line_malformed" };
	if (!bytes_iis(line, "SIP/2.0")) {
		bool sip = bytes_istarts(line, "SIP/");

		return sip ? (struct message_error){ 505, "version_unknown" }
			   : (struct message_error){ 400, "request_line_malformed" };
	}
	if (sip_uri_parse(&m->uri, uri))
		return (struct message_error){ 400, "request_uri_malformed" };
	if (m->uri.headers.n) /* RFC 3261 19.1.1, Table 1 */
		return (struct message_error){ 400, "request_uri_headers" };
	return (struct message_error){ 0 };
}

/* SIP-Version SP 3DIGIT SP Reason-Phrase (RFC 3261 7.2); the last blank may be missing with the phrase. */
static const char *parse_status_line(struct sip_message *m, struct bytes line)
{
	struct bytes status;
	uint32_t v;

	line = bytes_from(line, sizeof("SIP/2.0 ") - 1);
	if (!bytes_cut(&line, ' ', &status) || status.n != 3 || bytes_u32(status, &v) ||
	    v < STATUS_MIN || v > STATUS_MAX)
		return "status_malformed";
	m->status = (uint16_t)v;
	m->reason = line;
	return NULL;
}

static bool looks_like_request(struct bytes line)
{
	struct bytes rest = line;

	return lex_token(&rest).n && rest.n && rest.p[0] == ' ' &&
	       bytes_find(bytes_from(rest, 1), ' ') < rest.n - 1;
}

static struct message_error parse_head(struct sip_message *m)
{
	struct bytes line = m->head->start;
	struct message_error error = { 0 };
	struct message_error later;

	if (bytes_istarts(line, "SIP/2.0 ")) {
		error.reason = parse_status_line(m, line);
	} else if (looks_like_request(line)) {
		error = parse_request_line(m, line);
	} else {
		return (struct message_error){ 0, "not_sip" };
	}
	later = check_all(m);
	return error.reason ? error : later;
}

static bool is_keepalive(struct bytes datagram)
{
	for (size_t i = 0; i < datagram.n; i++) {
		if (datagram.p[i] != '\r' && datagram.p[i] != '\n')
			return false;
	}
	return true;
}

/* A response and an ACK get no answer (RFC 3261 17), and without a sent-by nobody knows where it would go. */
static bool can_answer(const struct sip_message *m)
{
	return m->request && m->method != SIP_ACK && m->via.host.n;
}

static int message_refuse(struct sip_message *m, struct message_error *error, const char *reason)
{
	message_close(m);
	*error = (struct message_error){ .status = 0, .reason = reason };
	return -EBADMSG;
}

int message_parse(struct sip_message *out, struct bytes datagram, struct message_error *error)
{
	memset(out, 0, sizeof(*out));
	if (is_keepalive(datagram))
		return message_refuse(out, error, "keepalive");
	if (datagram.n > MESSAGE_BYTES_MAX)
		return message_refuse(out, error, "too_large");
	out->head = message_head_make(datagram);
	if (!out->head)
		return message_refuse(out, error, "out_of_memory");
	*error = parse_head(out);
	if (!error->reason)
		return 0;
	if (!can_answer(out))
		return message_refuse(out, error, error->reason);
	return -EBADMSG;
}

int message_parse_kept(struct sip_message *out, struct bytes request)
{
	static check_fn *const checks[] = { check_layout, check_via, check_to };

	*out = (struct sip_message){ .request = true, .head = message_head_make(request) };
	if (!out->head)
		return -EBADMSG;
	for (size_t i = 0; i < COUNT_OF(checks); i++) {
		if (checks[i](out)) {
			message_close(out);
			return -EBADMSG;
		}
	}
	return 0;
}

void message_close(struct sip_message *m)
{
	free(m->head);
	memset(m, 0, sizeof(*m));
}

struct bytes message_text(const struct sip_message *m)
{
	return m->head->raw;
}
