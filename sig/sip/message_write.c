/* SPDX-License-Identifier: Apache-2.0 */
/* Responses (RFC 3261 8.2.6, 18.2.2, RFC 3581). Pure. */
#include "sig/sip/lex.h"
#include "sig/sip/message.h"

static const struct {
	uint16_t status;
	const char *phrase;
} g_reasons[] = {
	{ 100, "Trying" },
	{ 180, "Ringing" },
	{ 181, "Call Is Being Forwarded" },
	{ 182, "Queued" },
	{ 183, "Session Progress" },
	{ 199, "Early Dialog Terminated" },
	{ 200, "OK" },
	{ 202, "Accepted" },
	{ 204, "No Notification" },
	{ 300, "Multiple Choices" },
	{ 301, "Moved Permanently" },
	{ 302, "Moved Temporarily" },
	{ 305, "Use Proxy" },
	{ 380, "Alternative Service" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 410, "Gone" },
	{ 412, "Conditional Request Failed" },
	{ 413, "Request Entity Too Large" },
	{ 414, "Request-URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Unsupported URI Scheme" },
	{ 420, "Bad Extension" },
	{ 421, "Extension Required" },
	{ 422, "Session Interval Too Small" },
	{ 423, "Interval Too Brief" },
	{ 430, "Flow Failed" },
	{ 433, "Anonymity Disallowed" },
	{ 439, "First Hop Lacks Outbound Support" },
	{ 469, "Bad Info Package" },
	{ 480, "Temporarily Unavailable" },
	{ 481, "Call/Transaction Does Not Exist" },
	{ 482, "Loop Detected" },
	{ 483, "Too Many Hops" },
	{ 484, "Address Incomplete" },
	{ 485, "Ambiguous" },
	{ 486, "Busy Here" },
	{ 487, "Request Terminated" },
	{ 488, "Not Acceptable Here" },
	{ 489, "Bad Event" },
	{ 491, "Request Pending" },
	{ 493, "Undecipherable" },
	{ 494, "Security Agreement Required" },
	{ 500, "Server Internal Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Server Time-out" },
	{ 505, "Version Not Supported" },
	{ 513, "Message Too Large" },
	{ 580, "Precondition Failure" },
	{ 600, "Busy Everywhere" },
	{ 603, "Decline" },
	{ 604, "Does Not Exist Anywhere" },
	{ 606, "Not Acceptable" },
};

const char *sip_reason(uint16_t status)
{
	for (size_t i = 0; i < COUNT_OF(g_reasons); i++) {
		if (g_reasons[i].status == status)
			return g_reasons[i].phrase;
	}
	return "Unknown";
}

static void message_write_line(struct writer *w, const char *name, struct bytes value)
{
	writer_str(w, name);
	writer_str(w, ": ");
	writer_bytes(w, value);
	writer_str(w, "\r\n");
}

/* True if sent-by is the source address, so `received` would add nothing (RFC 3261 18.2.1). */
static bool via_is_source(const struct sip_message *m)
{
	struct addr host;

	return !addr_parse(&host, m->via.host) && addr_ip_eq(&host, &m->hop.remote);
}

/* Our own received and rport replace whatever the sender wrote there. */
static void write_via_params(struct writer *w, const struct sip_message *m)
{
	struct bytes rest = m->via.params;
	struct lex_param param;

	while (lex_param(&rest, &param) == 1) {
		if (bytes_iis(param.name, "received") || bytes_iis(param.name, "rport"))
			continue;
		writer_u8(w, ';');
		writer_bytes(w, param.all);
	}
	if (m->via.rport || !via_is_source(m)) {
		writer_str(w, ";received=");
		addr_write_ip(w, &m->hop.remote); /* no brackets: RFC 5118 4.5 */
	}
	if (m->via.rport)
		writer_number(w, ";rport=", m->hop.remote.port, "");
}

/* `line` starts with the topmost Via; further ones in it get a line of their own. A broken Via is
 * returned unchanged. */
static void message_write_top_via(struct writer *w, const struct sip_message *m, struct bytes line)
{
	struct bytes top;

	(void)lex_element(&line, &top);
	writer_str(w, "Via: ");
	if (m->hop.remote.family == ADDR_NONE || !m->via.whole) {
		writer_bytes(w, top);
	} else {
		writer_str(w, "SIP/2.0/");
		writer_bytes(w, m->via.transport);
		writer_u8(w, ' ');
		writer_bytes(w, m->via.sent_by);
		write_via_params(w, m);
	}
	writer_str(w, "\r\n");
	if (bytes_trim(line).n)
		message_write_line(w, "Via", bytes_trim(line));
}

static void write_vias(struct writer *w, const struct sip_message *m)
{
	const struct header_line *line;

	for (unsigned i = 0; (line = message_head_line(m->head, HEADER_VIA, i)) != NULL; i++) {
		if (i == 0) {
			message_write_top_via(w, m, line->value);
		} else {
			message_write_line(w, "Via", line->value);
		}
	}
}

static void write_copy(struct writer *w, const struct sip_message *m, enum header_id id,
		       const char *name)
{
	const struct header_line *line = message_head_line(m->head, id, 0);

	if (line)
		message_write_line(w, name, line->value);
}

static void write_to(struct writer *w, const struct sip_message *m, struct bytes tag)
{
	const struct header_line *line = message_head_line(m->head, HEADER_TO, 0);

	if (!line)
		return;
	writer_str(w, "To: ");
	writer_bytes(w, line->value);
	if (tag.n && m->to.uri.all.n && m->to.tag.n == 0) {
		writer_str(w, ";tag=");
		writer_bytes(w, tag);
	}
	writer_str(w, "\r\n");
}

void message_write_response(struct writer *w, const struct sip_message *request, uint16_t status,
			    const char *reason, struct bytes to_tag, struct bytes extra,
			    struct bytes content_type, struct bytes body)
{
	writer_number(w, "SIP/2.0 ", status, " ");
	WRITER_TEXTS(w, reason ? reason : sip_reason(status), "\r\n");
	write_vias(w, request);
	write_copy(w, request, HEADER_FROM, "From");
	write_to(w, request, to_tag);
	write_copy(w, request, HEADER_CALL_ID, "Call-ID");
	write_copy(w, request, HEADER_CSEQ, "CSeq");
	writer_bytes(w, extra);
	if (body.n)
		message_write_line(w, "Content-Type", content_type);
	writer_number(w, "Content-Length: ", body.n, "\r\n\r\n");
	writer_bytes(w, body);
}

bool message_is_symmetric(const struct sip_message *request)
{
	return sip_transport_is_stream(request->hop.transport) || request->via.rport;
}

/* Always the source address: sent-by and maddr may be forged. UDP: the port of sent-by unless rport
 * asks for the source port. TCP: its connection; if that is closed, the port of sent-by, where the
 * sender may listen if that address is its own. */
void message_response_hop(const struct sip_message *request, struct sip_hop *out)
{
	bool stream = sip_transport_is_stream(request->hop.transport);

	*out = request->hop;
	if (sip_transport_is_web(out->transport) ||
	    (stream ? !via_is_source(request) : request->via.rport))
		return;
	out->remote.port =
		request->via.port ? request->via.port : sip_transport_port(request->hop.transport);
	out->inbound = false;
}
