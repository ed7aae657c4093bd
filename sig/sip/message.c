/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a datagram into a message: the start line, then one check after another; the first that
 * fails names the error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sig/sip/lex.h"
#include "sig/sip/message.h"

/* RFC 3261 7.3.3 and 20, RFC 3265, 3515, 3892, 4028 */
static const struct {
	struct bytes name;
	char compact; /* 0: none */
} g_headers[HEADER_IDS] = {
	[HEADER_CALL_ID] = { BYTES_LIT("Call-ID"), 'i' },
	[HEADER_CONTACT] = { BYTES_LIT("Contact"), 'm' },
	[HEADER_CONTENT_LENGTH] = { BYTES_LIT("Content-Length"), 'l' },
	[HEADER_CONTENT_TYPE] = { BYTES_LIT("Content-Type"), 'c' },
	[HEADER_CSEQ] = { BYTES_LIT("CSeq"), 0 },
	[HEADER_EXPIRES] = { BYTES_LIT("Expires"), 0 },
	[HEADER_FROM] = { BYTES_LIT("From"), 'f' },
	[HEADER_MAX_FORWARDS] = { BYTES_LIT("Max-Forwards"), 0 },
	[HEADER_TO] = { BYTES_LIT("To"), 't' },
	[HEADER_VIA] = { BYTES_LIT("Via"), 'v' },
	[HEADER_ALLOW_EVENTS] = { BYTES_LIT("Allow-Events"), 'u' },
	[HEADER_CONTENT_ENCODING] = { BYTES_LIT("Content-Encoding"), 'e' },
	[HEADER_EVENT] = { BYTES_LIT("Event"), 'o' },
	[HEADER_REFER_TO] = { BYTES_LIT("Refer-To"), 'r' },
	[HEADER_REFERRED_BY] = { BYTES_LIT("Referred-By"), 'b' },
	[HEADER_SESSION_EXPIRES] = { BYTES_LIT("Session-Expires"), 'x' },
	[HEADER_SUBJECT] = { BYTES_LIT("Subject"), 's' },
	[HEADER_SUPPORTED] = { BYTES_LIT("Supported"), 'k' },
};

static enum header_id compact_id(uint8_t c)
{
	for (unsigned i = HEADER_OTHER + 1; i < HEADER_IDS; i++) {
		if (g_headers[i].compact && g_headers[i].compact == (c | 0x20))
			return (enum header_id)i;
	}
	return HEADER_OTHER;
}

static enum header_id header_id_of(struct bytes name)
{
	if (name.n == 1)
		return compact_id(name.p[0]);
	for (unsigned i = HEADER_OTHER + 1; i < HEADER_IDS; i++) {
		if (bytes_ieq(name, g_headers[i].name))
			return (enum header_id)i;
	}
	return HEADER_OTHER;
}

const struct header_line *message_head_line(const struct message_head *head, enum header_id id,
					    unsigned i)
{
	for (uint32_t at = 0; at < head->count; at++) {
		if (head->lines[at].id == id && i-- == 0)
			return &head->lines[at];
	}
	return NULL;
}

static uint32_t lines_count(struct bytes in)
{
	uint32_t n = 0;

	while (n < MESSAGE_LINES_MAX && in.n) {
		in = bytes_from(in, bytes_find(in, '\n') + 1);
		n++;
	}
	return n;
}

/* Consumes a line with its folded continuations; inner line ends become blanks. `at`: its start in
 * the copy. */
static struct bytes head_line_next(uint8_t *p, size_t n, size_t *at)
{
	size_t start = *at;
	size_t end = start;

	for (;;) {
		end += bytes_find(bytes_mem(p + end, n - end), '\n');
		if (end == n || end == start || (end == start + 1 && p[start] == '\r'))
			break;
		if (end + 1 == n || !lex_is_blank(p[end + 1]))
			break;
		p[end] = ' ';
		if (p[end - 1] == '\r')
			p[end - 1] = ' ';
	}
	*at = end < n ? end + 1 : n;
	if (end > start && end < n && p[end - 1] == '\r')
		end--;
	return bytes_mem(p + start, end - start);
}

/* The first one counts. */
static void set_defect(struct message_head *head, const char *why)
{
	if (!head->defect)
		head->defect = why;
}

static void line_add(struct message_head *head, struct bytes line)
{
	size_t colon = bytes_find(line, ':');
	struct header_line *l = &head->lines[head->count];

	if (head->count == MESSAGE_LINES_MAX) {
		set_defect(head, "too_many_headers");
		return;
	}
	l->name = bytes_trim(bytes_sub(line, 0, colon));
	l->value = bytes_trim(bytes_from(line, colon + 1));
	if (colon == line.n || lex_is_blank(line.p[0]) || !lex_is_token(l->name)) {
		set_defect(head, "header_malformed");
		return;
	}
	l->id = header_id_of(l->name);
	head->count++;
}

/* A lone CR would be a line end to other parsers: it becomes a blank, and the message is
 * refused. */
static struct bytes clean_line(struct message_head *head, uint8_t *p, size_t n, size_t *at)
{
	struct bytes line = head_line_next(p, n, at);
	uint8_t *start = p + (line.p - p);

	for (size_t i = 0; (i += bytes_find(bytes_from(line, i), '\r')) < line.n; i++) {
		start[i] = ' ';
		set_defect(head, "bare_cr");
	}
	return line;
}

static void split(struct message_head *head, uint8_t *p, size_t n)
{
	bool ended = false;
	size_t at = 0;

	while (at < n && (p[at] == '\r' || p[at] == '\n')) /* RFC 3261 7.5 */
		at++;
	head->start = clean_line(head, p, n, &at);
	while (at < n && !ended) {
		struct bytes line = clean_line(head, p, n, &at);

		ended = line.n == 0;
		if (!ended)
			line_add(head, line);
	}
	if (ended) {
		head->body = bytes_mem(p + at, n - at);
	} else {
		set_defect(head, "no_end_of_headers");
	}
}

/* NULL: out of memory. The caller frees it. */
static struct message_head *message_head_make(struct bytes datagram)
{
	uint32_t lines = lines_count(datagram);
	size_t size = sizeof(struct message_head) + lines * sizeof(struct header_line);
	struct message_head *head = malloc(size + datagram.n);
	uint8_t *copy;

	if (!head)
		return NULL;
	copy = (uint8_t *)head + size;
	memcpy(copy, datagram.p, datagram.n);
	*head = (struct message_head){ .raw = bytes_mem(copy, datagram.n) };
	split(head, copy, datagram.n);
	return head;
}

/* Finding headers in a parsed message. */

enum { TOKENS_MAX = 256 }; /* of a list that are looked at: no phone has so many to say */

static bool line_is(const struct header_line *line, enum header_id id, struct bytes name)
{
	if (id != HEADER_OTHER)
		return line->id == id;
	return line->id == HEADER_OTHER && bytes_ieq(line->name, name);
}

bool message_header(const struct sip_message *m, const char *name, unsigned i, struct bytes *value)
{
	struct bytes wanted = bytes_str(name);
	enum header_id id = header_id_of(wanted);

	for (uint32_t at = 0; at < m->head->count; at++) {
		const struct header_line *line = &m->head->lines[at];

		if (line_is(line, id, wanted) && i-- == 0) {
			*value = line->value;
			return true;
		}
	}
	return false;
}

bool message_line(const struct sip_message *m, unsigned i, struct bytes *name, struct bytes *value)
{
	if (i >= m->head->count)
		return false;
	*name = m->head->lines[i].name;
	*value = m->head->lines[i].value;
	return true;
}

bool message_has_token(const struct sip_message *m, const char *name, const char *token)
{
	struct bytes rest;
	struct bytes element;
	unsigned n = 0;

	for (unsigned i = 0; message_header(m, name, i, &rest); i++) {
		while (n++ < TOKENS_MAX && lex_element(&rest, &element)) {
			if (bytes_iis(element, token))
				return true;
		}
	}
	return false;
}

/* RFC 3261 20.33: "18000;duration=3600" */
uint32_t message_retry_after_s(const struct sip_message *m)
{
	struct bytes value;
	uint32_t s = 0;
	size_t n = 0;

	if (!message_header(m, "Retry-After", 0, &value))
		return 0;
	while (n < value.n && value.p[n] >= '0' && value.p[n] <= '9')
		n++;
	(void)bytes_u32(bytes_sub(value, 0, n), &s);
	return s;
}

int64_t message_expires(const struct sip_message *m)
{
	const struct header_line *line = message_head_line(m->head, HEADER_EXPIRES, 0);
	uint64_t v;
	int err = line ? bytes_u64(line->value, &v) : -EINVAL;

	if (err == -ERANGE || (!err && v > UINT32_MAX))
		return UINT32_MAX;    /* RFC 4475 3.1.2.4: a big one is just long */
	return err ? -1 : (int64_t)v; /* RFC 3261 20.19: a malformed one counts as absent */
}

/* *cursor: where to go on in the copy, counted from its start. */
int message_name_addr_next(const struct sip_message *m, const char *name, unsigned *cursor,
			   struct sip_name_addr *out)
{
	struct bytes wanted = bytes_str(name);
	enum header_id id = header_id_of(wanted);

	for (uint32_t i = 0; i < m->head->count; i++) {
		const struct header_line *line = &m->head->lines[i];
		size_t start = (size_t)(line->value.p - m->head->raw.p);
		struct bytes element = { 0 };
		struct bytes rest = line->value;

		if (!line_is(line, id, wanted) || *cursor > start + line->value.n)
			continue;
		if (*cursor > start)
			rest = bytes_from(rest, *cursor - start);
		(void)lex_element(&rest, &element);
		/* after the last one: one past the line's end */
		*cursor = (unsigned)(rest.n ? (size_t)(rest.p - m->head->raw.p)
					    : start + line->value.n + 1);
		return sip_name_addr_parse(out, element) ? -EBADMSG : 1;
	}
	return 0;
}

static const char *const g_names[] = {
	[SIP_INVITE] = "INVITE",   [SIP_ACK] = "ACK",           [SIP_BYE] = "BYE",
	[SIP_CANCEL] = "CANCEL",   [SIP_REGISTER] = "REGISTER", [SIP_OPTIONS] = "OPTIONS",
	[SIP_INFO] = "INFO",       [SIP_PRACK] = "PRACK",       [SIP_UPDATE] = "UPDATE",
	[SIP_REFER] = "REFER",     [SIP_NOTIFY] = "NOTIFY",     [SIP_SUBSCRIBE] = "SUBSCRIBE",
	[SIP_PUBLISH] = "PUBLISH", [SIP_MESSAGE] = "MESSAGE",   [SIP_UNKNOWN] = "unknown",
};

enum sip_method sip_method_parse(struct bytes name)
{
	for (unsigned i = 0; i < SIP_UNKNOWN; i++) {
		if (bytes_is(name, g_names[i]))
			return (enum sip_method)i;
	}
	return SIP_UNKNOWN;
}

const char *sip_method_name(enum sip_method method)
{
	return g_names[method];
}

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

/* RFC 3261 18.3: over UDP the rest of the datagram is ignored, and a length beyond its end is an
 * error. */
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

/* Method SP Request-URI SP SIP-Version (RFC 3261 7.1), single blanks: RFC 4475 3.1.2.8 to 3.1.2.10
 * require 400. */
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

/* SIP-Version SP 3DIGIT SP Reason-Phrase (RFC 3261 7.2); the last blank may be missing with the
 * phrase. */
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

/* Responses and ACKs are not answered (RFC 3261 17), and without sent-by the destination is
 * unknown. */
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
