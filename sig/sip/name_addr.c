/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, Vias and parameters as they stand in headers (message.h). Pure. */
#include <errno.h>

#include "sig/sip/lex.h"
#include "sig/sip/message_head.h"

bool sip_param(struct bytes params, const char *name, struct bytes *value)
{
	struct lex_param param;

	while (lex_param(&params, &param) == 1) {
		if (bytes_iis(param.name, name)) {
			*value = param.value;
			return true;
		}
	}
	return false;
}

int sip_q_parse(uint16_t *out, struct bytes in)
{
	uint32_t v = 0;
	unsigned scale = SIP_Q_MAX;

	if (in.n == 0 || in.n > 5 || (in.p[0] != '0' && in.p[0] != '1') ||
	    (in.n > 1 && in.p[1] != '.'))
		return -EINVAL;
	for (size_t i = 0; i < in.n; i++) {
		if (i == 1)
			continue;
		if (in.p[i] < '0' || in.p[i] > '9')
			return -EINVAL;
		v += (uint32_t)(in.p[i] - '0') * scale;
		scale /= 10;
	}
	*out = (uint16_t)v;
	return v > SIP_Q_MAX ? -EINVAL : 0;
}

/* *in starts at the header parameters: nothing, or ';' and at least one. */
static int header_params(struct bytes in, struct bytes *params)
{
	in = bytes_trim(in);
	*params = bytes_from(in, 1);
	if (in.n == 0)
		return 0;
	return in.p[0] == ';' && bytes_trim(*params).n ? lex_params_check(in) : -EBADMSG;
}

/* An unquoted display name is tokens; phones also write UTF-8 and dots, and nobody is hurt by them. */
static bool display_ok(struct bytes display)
{
	for (size_t i = 0; i < display.n; i++) {
		uint8_t c = display.p[i];

		if ((c < ' ' && c != '\t') || c == '"' || c == '>' || c == ',' || c == ';')
			return false;
	}
	return true;
}

/* Eats what stands before '<'. */
static int display_name(struct bytes *in, struct bytes *display)
{
	size_t at = bytes_find(*in, '<');

	if (in->n && in->p[0] == '"') {
		if (lex_quoted(in, display))
			return -EBADMSG;
		lex_skip_blank(in);
		return in->n && in->p[0] == '<' ? 0 : -EBADMSG;
	}
	*display = bytes_trim(bytes_sub(*in, 0, at));
	*in = bytes_from(*in, at);
	return display_ok(*display) ? 0 : -EBADMSG;
}

static int bracketed(struct sip_name_addr *a, struct bytes in)
{
	size_t end;

	if (display_name(&in, &a->display))
		return -EBADMSG;
	end = bytes_find(in, '>');
	if (end == in.n || sip_uri_parse(&a->uri, bytes_sub(in, 1, end - 1)))
		return -EBADMSG;
	return header_params(bytes_from(in, end + 1), &a->params);
}

/* RFC 3261 20.10: without brackets all parameters are the header's, and the URI may have no '?' or ','. */
static int bare(struct sip_name_addr *a, struct bytes in)
{
	size_t end = bytes_find(in, ';');
	struct bytes uri = bytes_trim(bytes_sub(in, 0, end));

	if (bytes_find(uri, '?') < uri.n || bytes_find(uri, ',') < uri.n)
		return -EBADMSG;
	if (sip_uri_parse(&a->uri, uri))
		return -EBADMSG;
	return header_params(bytes_from(in, end), &a->params);
}

/* Only a parameter of a bare URI can have quotes or a '<' behind a ';': +sip.instance="<urn:...>" (RFC 5626 4.1). */
static bool has_brackets(struct bytes in)
{
	struct bytes head = bytes_sub(in, 0, bytes_find(in, ';'));

	return (in.n && in.p[0] == '"') || bytes_find(head, '<') < head.n;
}

int sip_name_addr_parse(struct sip_name_addr *out, struct bytes in)
{
	struct sip_name_addr a = { 0 };
	int err;

	in = bytes_trim(in);
	err = has_brackets(in) ? bracketed(&a, in) : bare(&a, in);
	if (err)
		return err;
	(void)sip_param(a.params, "tag", &a.tag);
	*out = a;
	return 0;
}

/* "SIP / 2.0 / UDP" and the blank behind it. *ours: the version is 2.0; others still say where an answer goes. */
static int via_protocol(struct bytes *in, struct sip_via *via, bool *ours)
{
	struct bytes name = lex_token(in);
	struct bytes version;

	if (!bytes_iis(name, "SIP") || !lex_sep(in, '/'))
		return -EBADMSG;
	version = lex_token(in);
	*ours = bytes_is(version, "2.0");
	if (version.n == 0 || !lex_sep(in, '/'))
		return -EBADMSG;
	via->transport = lex_token(in);
	via->udp = bytes_iis(via->transport, "UDP");
	if (via->transport.n == 0 || in->n == 0 || (in->p[0] != ' ' && in->p[0] != '\t'))
		return -EBADMSG;
	lex_skip_blank(in);
	return 0;
}

/* The first of each name. */
static void via_params(struct sip_via *via)
{
	struct bytes rest = via->params;
	struct lex_param param;
	bool branch = false;

	while (lex_param(&rest, &param) == 1) {
		if (!branch && bytes_iis(param.name, "branch")) {
			via->branch = param.value;
			branch = true;
		} else if (bytes_iis(param.name, "rport")) {
			via->rport = true;
		}
	}
}

int sip_via_parse(struct sip_via *out, struct bytes in)
{
	bool ours;
	size_t end;

	*out = (struct sip_via){ 0 };
	in = bytes_trim(in);
	if (via_protocol(&in, out, &ours))
		return -EBADMSG;
	end = bytes_find(in, ';');
	out->sent_by = bytes_trim(bytes_sub(in, 0, end));
	if (sip_hostport(out->sent_by, &out->host, &out->port)) {
		out->host = (struct bytes){ 0 };
		return -EBADMSG;
	}
	if (!ours || header_params(bytes_from(in, end), &out->params))
		return -EBADMSG;
	via_params(out);
	out->whole = true;
	return 0;
}
