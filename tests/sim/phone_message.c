/* SPDX-License-Identifier: Apache-2.0 */
/* What a phone writes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

const char *phone_branch(struct phone *p, char out[96])
{
	(void)snprintf(out, 96, "z9hG4bK-%u-%u", p->index, ++p->branches);
	return out;
}

const char *phone_transport(const struct phone *p)
{
	switch (p->transport) {
	case SIP_UDP:
	case SIP_INTER_SHARD:
		break;
	case SIP_TCP:
		return ";transport=tcp";
	case SIP_TLS:
		return ";transport=tls";
	case SIP_WS:
	case SIP_WSS:
		return ";transport=ws";
	}
	return "";
}

static const char *type_of(const char *body, const char *type)
{
	if (!body || !body[0])
		return "";
	return type ? type : "Content-Type: application/sdp\r\n";
}

struct bytes phone_write_request(const struct phone_call *c, const struct phone_request *r,
				 char *out, size_t cap)
{
	const struct phone *p = c->phone;
	const char *body = r->body ? r->body : "";
	char contact[ADDR_TEXT_MAX];
	struct writer w = writer_over(out, cap);

	writer_fmt(&w, "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;branch=%s;rport\r\n", r->method,
		   c->target, sip_transport_name(p->transport), p->address, r->branch);
	writer_fmt(&w, "Max-Forwards: 70\r\nFrom: <%s>;tag=%s\r\nTo: <%s>%s%s\r\n", c->local,
		   c->tag, c->remote, c->remote_tag[0] ? ";tag=" : "", c->remote_tag);
	writer_fmt(&w, "Call-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:%s@%s%s>\r\n", c->call_id,
		   r->cseq, r->method, p->user, names_contact(p, contact), phone_transport(p));
	writer_fmt(&w, "%s%sContent-Length: %zu\r\n\r\n%s", r->extra ? r->extra : "",
		   type_of(body, r->type), strlen(body), body);
	assert(!w.overflow);
	return writer_done(&w);
}

struct bytes phone_write_response(const struct phone *p, const struct sip_message *m,
				  uint16_t status, const char *tag, const char *extra,
				  const char *body, char *out, size_t cap)
{
	struct writer w = writer_over(out, cap);
	struct bytes value = { 0 };
	char contact[ADDR_TEXT_MAX];

	writer_fmt(&w, "SIP/2.0 %u %s\r\n", status, sip_reason(status));
	for (unsigned i = 0; message_header(m, "Via", i, &value); i++)
		writer_fmt(&w, "Via: " BYTES_FMT "\r\n", BYTES_ARG(value));
	(void)message_header(m, "From", 0, &value);
	writer_fmt(&w, "From: " BYTES_FMT "\r\n", BYTES_ARG(value));
	(void)message_header(m, "To", 0, &value);
	writer_fmt(&w, "To: " BYTES_FMT, BYTES_ARG(value));
	if (m->to.tag.n == 0 && tag[0])
		writer_fmt(&w, ";tag=%s", tag);
	writer_fmt(&w, "\r\nCall-ID: " BYTES_FMT "\r\nCSeq: %u " BYTES_FMT "\r\n%s",
		   BYTES_ARG(m->call_id), m->cseq, BYTES_ARG(m->method_name), extra);
	if (!strstr(extra, "Contact:")) /* a redirection names another */
		writer_fmt(&w, "Contact: <sip:%s@%s%s>\r\n", p->user, names_contact(p, contact),
			   phone_transport(p));
	writer_fmt(&w, "%sContent-Length: %zu\r\n\r\n%s", type_of(body, NULL), strlen(body), body);
	assert(!w.overflow);
	return writer_done(&w);
}
