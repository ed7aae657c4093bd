/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that formats our requests. */
#include <string.h>

#include "sig/dialog/dialog.h"
#include "sig/sip/lex.h"

enum { MAX_FORWARDS = 70 }; /* RFC 3261 8.1.1.6 */

static struct addr dialog_own_address(const struct dialog *d, const struct shard_settings *settings)
{
	return d->hop.transport == SIP_INTER_SHARD ? inter_shard_address(settings->number)
						   : settings->locals[d->hop.local].advertise;
}

/* What the party has to use to reach us the same way (RFC 3261 19.1.1); without it a URI means UDP. */
static const char *transport_param(enum sip_transport transport)
{
	switch (transport) {
	case SIP_UDP:
		return "";
	case SIP_TCP:
		return ";transport=tcp";
	case SIP_TLS:
		return ";transport=tls"; /* of RFC 2543, but what phones understand */
	case SIP_WS:
	case SIP_WSS:
		return ";transport=ws"; /* both: RFC 7118 5.2 */
	case SIP_INTER_SHARD:
		return ";transport=cell";
	}
	return "";
}

void dialog_write_contact(struct writer *w, const struct dialog *d,
			  const struct shard_settings *settings)
{
	const struct addr own = dialog_own_address(d, settings);
	char id[ID_TEXT_LEN];

	id_call_put(id, d->tag.call);
	writer_str(w, "Contact: <sip:");
	writer_bytes(w, d->focus.n ? text_bytes(&d->focus) : bytes_mem(id, sizeof(id)));
	writer_str(w, "@");
	addr_write(w, &own);
	WRITER_TEXTS(w, transport_param(d->hop.transport), d->focus.n ? ">;isfocus\r\n" : ">\r\n");
}

void dialog_write_focus(struct writer *w, const struct dialog *d)
{
	if (d->focus.n)
		writer_str(w, "Allow-Events: conference\r\n");
}

static bool first_is_strict(struct bytes routes, struct sip_name_addr *first, struct bytes *rest)
{
	struct bytes element;
	struct bytes value;

	*rest = routes;
	return lex_element(rest, &element) && !sip_name_addr_parse(first, element) &&
	       !sip_param(first->uri.params, "lr", &value);
}

/* Request line and Route; a first route without lr wants to be the Request-URI itself (RFC 3261 12.2.1.1). */
static void write_target(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			 const char *method)
{
	struct bytes target = r->target.n ? r->target : text_bytes(&d->target);
	struct bytes routes = text_bytes(&d->routes);
	struct sip_name_addr first;
	struct bytes rest;
	bool strict = routes.n && first_is_strict(routes, &first, &rest);

	WRITER_TEXTS(w, method, " ");
	writer_bytes(w, strict ? first.uri.all : target);
	writer_str(w, " SIP/2.0\r\n");
	if (routes.n == 0)
		return;
	writer_str(w, "Route: ");
	if (strict && bytes_trim(rest).n) {
		writer_bytes(w, bytes_trim(rest));
		writer_str(w, ", ");
	}
	if (strict) {
		writer_str(w, "<");
		writer_bytes(w, target);
		writer_str(w, ">");
	} else {
		writer_bytes(w, routes);
	}
	writer_str(w, "\r\n");
}

static void write_via_branch(struct writer *w, const struct dialog *d,
			     const char branch[ID_BRANCH_LEN],
			     const struct shard_settings *settings)
{
	const struct addr own = dialog_own_address(d, settings);

	WRITER_TEXTS(w, "Via: SIP/2.0/", sip_transport_name(d->hop.transport), " ");
	addr_write(w, &own);
	writer_str(w, ";branch=");
	writer_mem(w, branch, ID_BRANCH_LEN);
	writer_str(w, ";rport\r\n"); /* RFC 3581 */
}

static void write_via(struct writer *w, const struct dialog *d, uint64_t random,
		      const struct shard_settings *settings)
{
	struct id_tag tag = { .call = d->tag.call, .leg = d->tag.leg, .random = random };
	char branch[ID_BRANCH_LEN];

	id_branch_put(branch, &tag);
	write_via_branch(w, d, branch, settings);
}

static void write_identity(struct writer *w, const struct dialog *d)
{
	struct dialog_tag tag = dialog_tag(d);

	writer_str(w, "From: ");
	writer_bytes(w, text_bytes(&d->local));
	writer_str(w, ";tag=");
	writer_mem(w, tag.text, sizeof(tag.text));
	writer_str(w, "\r\nTo: ");
	writer_bytes(w, text_bytes(&d->remote));
	if (d->remote_tag.n) {
		writer_str(w, ";tag=");
		writer_bytes(w, text_bytes(&d->remote_tag));
	}
	writer_str(w, "\r\nCall-ID: ");
	writer_bytes(w, text_bytes(&d->call_id));
	writer_str(w, "\r\n");
}

void dialog_write_request(struct writer *w, const struct dialog *d, const struct dialog_request *r,
			  const struct shard_settings *settings)
{
	const char *method = sip_method_name(r->method);

	if (!bytes_are_lines(r->extra))
		w->overflow = true; /* nothing that was cut is ever sent */
	write_target(w, d, r, method);
	write_via(w, d, r->branch, settings);
	writer_number(w, "Max-Forwards: ",
		      (uint64_t)(r->max_forwards < 0 ? MAX_FORWARDS : r->max_forwards), "\r\n");
	write_identity(w, d);
	writer_number(w, "CSeq: ", r->cseq, " ");
	WRITER_TEXTS(w, method, "\r\n");
	if (r->contact) {
		dialog_write_contact(w, d, settings);
		dialog_write_focus(w, d);
	}
	if (settings->server[0])
		WRITER_TEXTS(w, "User-Agent: ", settings->server, "\r\n");
	writer_bytes(w, r->extra);
	if (r->body.n) {
		writer_str(w, "Content-Type: ");
		writer_bytes(w, r->content_type);
		writer_str(w, "\r\n");
	}
	writer_number(w, "Content-Length: ", r->body.n, "\r\n\r\n");
	writer_bytes(w, r->body);
}

static void write_line_again(struct writer *w, const struct dialog *d, struct bytes line,
			     const struct dialog_request *r, const struct shard_settings *settings)
{
	if (bytes_starts(line, "Via: ")) {
		write_via(w, d, r->branch, settings);
	} else if (bytes_starts(line, "CSeq: ")) {
		writer_number(w, "CSeq: ", r->cseq, " ");
		WRITER_TEXTS(w, sip_method_name(r->method), "\r\n");
	} else if (!bytes_starts(line, "Authorization: ") &&
		   !bytes_starts(line, "Proxy-Authorization: ")) {
		writer_bytes(w, line);
		writer_str(w, "\r\n");
	}
}

void dialog_write_again(struct writer *w, const struct dialog *d, struct bytes request,
			const struct dialog_request *r, const struct shard_settings *settings)
{
	struct bytes line;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n)
		write_line_again(w, d, bytes_trim(line), r, settings);
}

/* "7 INVITE" with the other number. */
static void write_renumbered(struct writer *w, struct bytes value, uint32_t cseq)
{
	writer_number(w, "CSeq: ", cseq, " ");
	writer_bytes(w, bytes_from(value, bytes_find(value, ' ') + 1));
	writer_str(w, "\r\n");
}

void dialog_write_moved(struct writer *w, const struct dialog *d, struct bytes request,
			const char branch[ID_BRANCH_LEN], uint32_t cseq,
			const struct shard_settings *settings)
{
	struct bytes line;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n) {
		if (bytes_starts(line, "Via: ")) {
			write_via_branch(w, d, branch, settings);
		} else if (bytes_starts(line, "Contact: ")) {
			dialog_write_contact(w, d, settings);
		} else if (bytes_starts(line, "CSeq: ") && cseq) {
			write_renumbered(w, bytes_from(bytes_trim(line), strlen("CSeq: ")), cseq);
		} else {
			writer_bytes(w, line);
			writer_str(w, "\n");
		}
	}
	writer_str(w, "\r\n");
	writer_bytes(w, request);
}

uint32_t dialog_read_cseq(struct bytes request)
{
	struct bytes line;
	uint32_t cseq;

	while (bytes_cut(&request, '\n', &line) && bytes_trim(line).n) {
		if (!bytes_starts(line, "CSeq: "))
			continue;
		line = bytes_from(line, strlen("CSeq: "));
		return bytes_u32(bytes_sub(line, 0, bytes_find(line, ' ')), &cseq) ? 0 : cseq;
	}
	return 0;
}

bool dialog_read_branch(struct bytes request, char out[ID_BRANCH_LEN])
{
	static const char name[] = ";branch=";
	const uint8_t *at = request.n ? memmem(request.p, request.n, name, strlen(name)) : NULL;
	size_t start = at ? (size_t)(at - request.p) + strlen(name) : request.n;

	if (request.n - start < ID_BRANCH_LEN)
		return false;
	memcpy(out, request.p + start, ID_BRANCH_LEN);
	return true;
}

/* "CSeq: 7 INVITE" with the other method. */
static void write_cseq(struct writer *w, struct bytes line, enum sip_method method)
{
	size_t last = line.n;

	while (last && line.p[last - 1] != ' ')
		last--;
	writer_bytes(w, bytes_sub(line, 0, last));
	writer_str(w, sip_method_name(method));
	writer_str(w, "\r\n");
}

static void write_derived_line(struct writer *w, struct bytes line, enum sip_method method,
			       struct bytes to)
{
	if (bytes_starts(line, "CSeq: ")) {
		write_cseq(w, line, method);
	} else if (bytes_starts(line, "To: ") && to.n) {
		writer_str(w, "To: ");
		writer_bytes(w, to);
		writer_str(w, "\r\n");
	} else if (bytes_starts(line, "Via: ") || bytes_starts(line, "Route: ") ||
		   bytes_starts(line, "Max-Forwards: ") || bytes_starts(line, "From: ") ||
		   bytes_starts(line, "To: ") || bytes_starts(line, "Call-ID: ")) {
		writer_bytes(w, line);
		writer_str(w, "\r\n");
	}
}

void dialog_write_derived(struct writer *w, struct bytes invite, enum sip_method method,
			  struct bytes to, struct bytes extra)
{
	struct bytes line;

	(void)bytes_cut(&invite, '\n', &line);
	writer_str(w, sip_method_name(method));
	writer_bytes(w, bytes_from(bytes_trim(line), bytes_find(line, ' ')));
	writer_str(w, "\r\n");
	while (bytes_cut(&invite, '\n', &line) && bytes_trim(line).n)
		write_derived_line(w, bytes_trim(line), method, to);
	writer_bytes(w, extra);
	writer_str(w, "Content-Length: 0\r\n\r\n");
}
