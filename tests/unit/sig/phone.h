/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted phone for the rig: one dialog at a time, no timers of its own. */
#ifndef TESTS_UNIT_SIG_PHONE_H
#define TESTS_UNIT_SIG_PHONE_H

#include "tests/unit/sig/rig.h"

#define PHONE_SDP_A                                                                   \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
#define PHONE_SDP_B                                                                   \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

struct phone {
	struct rig *r;
	const char *user;
	const char *domain, *tenant; /* NULL: test.local, the default one */
	const char *path;            /* of its binding; NULL: none */
	uint16_t at;                 /* the one of the node's addresses that it speaks to */
	struct addr addr;
	char address[ADDR_TEXT_MAX];
	char call_id[128], tag[128], remote_tag[256];
	char local[256], remote[256]; /* From and To without tags, as seen by this phone */
	char target[256];             /* Contact of the other side */
	uint32_t cseq;
	uint32_t branches;
	char branch[64];          /* of its last request */
	struct bytes invite;      /* the last one that came; lives as long as the rig */
	char contact_params[160]; /* of its REGISTERs, each after a semicolon */
	char registration[64];    /* Call-ID of its REGISTERs; "": that of its user */
	struct sip_hop
		hop; /* how what it says comes, where it has a connection or flow; else UDP from addr */
};

RIG_FN void phone_open(struct phone *p, struct rig *r, const char *user, const char *address)
{
	memset(p, 0, sizeof(*p));
	p->r = r;
	p->user = user;
	p->addr = rig_addr(address);
	(void)snprintf(p->address, sizeof(p->address), "%s", address);
	(void)snprintf(p->tag, sizeof(p->tag), "t%s", user);
}

RIG_FN void phone_say(struct phone *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
RIG_FN void phone_say(struct phone *p, const char *fmt, ...)
{
	char text[RIG_TEXT_MAX];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	assert(n > 0 && (size_t)n < sizeof(text));
	if (sip_transport_is_stream(p->hop.transport) || p->hop.connection) {
		shard_receive(p->r->shard, &p->hop, bytes_mem(text, (size_t)n), p->r->now);
		rig_run(p->r);
	} else {
		p->r->local = p->at;
		rig_send(p->r, &p->addr, bytes_mem(text, (size_t)n));
		p->r->local = 0;
	}
}

RIG_FN void phone_copy(char *out, size_t cap, struct bytes in)
{
	int err = bytes_cstr(in, out, cap);

	assert(!err);
	(void)err;
}

RIG_FN void phone_new_branch(struct phone *p)
{
	(void)snprintf(p->branch, sizeof(p->branch), "z9hG4bK%s.%u", p->user, ++p->branches);
}

/* Splits "uri;tag=x". */
RIG_FN void phone_split(struct bytes in, char *name, size_t name_cap, char *tag, size_t tag_cap)
{
	const uint8_t *at = in.p ? memmem(in.p, in.n, ";tag=", 5) : NULL;
	size_t n = at ? (size_t)(at - in.p) : in.n;

	phone_copy(name, name_cap, bytes_sub(in, 0, n));
	phone_copy(tag, tag_cap, at ? bytes_from(in, n + 5) : (struct bytes){ 0 });
}

RIG_FN void phone_target(struct phone *p, struct bytes contact)
{
	size_t open = bytes_find(contact, '<');

	if (contact.n == 0)
		return;
	contact = bytes_from(contact, open + 1);
	phone_copy(p->target, sizeof(p->target), bytes_sub(contact, 0, bytes_find(contact, '>')));
}

RIG_FN const char *phone_domain(const struct phone *p)
{
	return p->domain ? p->domain : "test.local";
}

RIG_FN void phone_register_with(struct phone *p, const char *extra, unsigned expires)
{
	phone_new_branch(p);
	p->cseq++;
	phone_say(p,
		  "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		  "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=r%s\r\nTo: <sip:%s@%s>\r\n"
		  "Call-ID: %s%s\r\nCSeq: %u REGISTER\r\nContact: <sip:%s@%s>;expires=%u%s\r\n%s"
		  "Content-Length: 0\r\n\r\n",
		  phone_domain(p), p->address, p->branch, p->user, phone_domain(p), p->user,
		  p->user, phone_domain(p), p->registration[0] ? "" : "reg-",
		  p->registration[0] ? p->registration : p->user, p->cseq, p->user, p->address,
		  expires, p->contact_params, extra);
}

/* ---- a dialog ---- */

RIG_FN void phone_begin(struct phone *p, const char *to)
{
	(void)snprintf(p->call_id, sizeof(p->call_id), "call-%s-%u", p->user, ++p->branches);
	(void)snprintf(p->local, sizeof(p->local), "\"Phone\" <sip:%s@%s>", p->user,
		       phone_domain(p));
	(void)snprintf(p->remote, sizeof(p->remote), "<sip:%s@%s>", to, phone_domain(p));
	(void)snprintf(p->target, sizeof(p->target), "sip:%s@%s", to, phone_domain(p));
	p->remote_tag[0] = '\0';
	p->cseq = 100;
}

/* A request in the dialog, or the one that opens it, with the CSeq and branch that are set. */
RIG_FN void phone_write(struct phone *p, const char *method, const char *extra, const char *body)
{
	phone_say(p,
		  "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n"
		  "From: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		  "Contact: <sip:%s@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		  method, p->target, p->address, p->branch, p->local, p->tag, p->remote,
		  p->remote_tag[0] ? ";tag=" : "", p->remote_tag, p->call_id, p->cseq, method,
		  p->user, p->address, extra,
		  body[0] && !strstr(extra, "Content-Type") ? "Content-Type: application/sdp\r\n"
							    : "",
		  strlen(body), body);
}

RIG_FN void phone_request(struct phone *p, const char *method, const char *extra, const char *body)
{
	phone_new_branch(p);
	p->cseq++;
	phone_write(p, method, extra, body);
}

RIG_FN void phone_invite(struct phone *p, const char *to, const char *sdp)
{
	phone_begin(p, to);
	phone_request(p, "INVITE", "", sdp);
}

RIG_FN void phone_ack_with(struct phone *p, const char *sdp)
{
	phone_new_branch(p);
	phone_write(p, "ACK", "", sdp);
}

RIG_FN void phone_ack(struct phone *p)
{
	phone_ack_with(p, "");
}

/* CANCEL and the ACK to a non-2xx have the INVITE's branch and no further CSeq. */
RIG_FN void phone_cancel(struct phone *p)
{
	phone_write(p, "CANCEL", "", "");
}

/* The response must have come; the dialog takes over tag and target. */
RIG_FN struct bytes phone_hears(struct phone *p, const char *begin)
{
	struct bytes m = rig_take(p->r, &p->addr, begin);
	char name[256];

	if (m.n == 0)
		return m;
	if (bytes_starts(m, "SIP/2.0 2") || bytes_starts(m, "SIP/2.0 18")) {
		phone_split(rig_header(m, "To"), name, sizeof(name), p->remote_tag,
			    sizeof(p->remote_tag));
		phone_target(p, rig_header(m, "Contact"));
	}
	return m;
}

/* An INVITE must have come; the phone is now in its dialog. */
RIG_FN struct bytes phone_rings(struct phone *p)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");
	char tag[64];

	if (m.n == 0)
		return m;
	p->invite = m;
	phone_copy(p->call_id, sizeof(p->call_id), rig_header(m, "Call-ID"));
	phone_split(rig_header(m, "From"), p->remote, sizeof(p->remote), p->remote_tag,
		    sizeof(p->remote_tag));
	phone_split(rig_header(m, "To"), p->local, sizeof(p->local), tag, sizeof(tag));
	phone_target(p, rig_header(m, "Contact"));
	p->cseq = 500;
	return m;
}

RIG_FN void phone_answer_as(struct phone *p, struct bytes request, const char *tag,
			    const char *status, const char *extra, const char *body)
{
	struct bytes via = rig_header(request, "Via");
	struct bytes from = rig_header(request, "From");
	struct bytes to = rig_header(request, "To");
	struct bytes call_id = rig_header(request, "Call-ID");
	struct bytes cseq = rig_header(request, "CSeq");

	phone_say(p,
		  "SIP/2.0 %s\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		  "%s%s\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT
		  "\r\nContact: <sip:%s@%s>\r\n"
		  "%s%sContent-Length: %zu\r\n\r\n%s",
		  status, BYTES_ARG(via), BYTES_ARG(from), BYTES_ARG(to),
		  tag[0] && !rig_has(to, ";tag=") ? ";tag=" : "", rig_has(to, ";tag=") ? "" : tag,
		  BYTES_ARG(call_id), BYTES_ARG(cseq), p->user, p->address, extra,
		  body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
}

/* To a request that came. */
RIG_FN void phone_answer(struct phone *p, struct bytes request, const char *status,
			 const char *body)
{
	phone_answer_as(p, request, p->tag, status, "", body);
}

/* Several phones of one extension, registered without credentials being looked at: as a record in the store. */
RIG_FN void phones_bind(struct phone *p, uint32_t count)
{
	struct aor a = { .version = 1,
			 .count = count,
			 .room = count,
			 .bindings = calloc(count, sizeof(struct binding)) };
	const char *reason;
	struct text record = { 0 };
	char contact[128];
	int err;

	assert(a.bindings);
	err = text_set(&a.tenant, bytes_str(p->tenant ? p->tenant : "default")) |
	      text_set(&a.user, bytes_str(p->user));
	for (uint32_t i = 0; i < count; i++) {
		struct binding *b = &a.bindings[i];

		(void)snprintf(contact, sizeof(contact), "sip:%s@%s", p[i].user, p[i].address);
		err |= text_set(&b->contact, bytes_str(contact)) |
		       text_set(&b->call_id, bytes_str("reg"));
		if (p[i].path)
			err |= text_set(&b->path, bytes_str(p[i].path));
		b->expires_utc_ms = p[i].r->now.utc_ms + 3600000;
		b->hop.remote = p[i].addr;
		b->hop.local = p[i].at;
		b->q = 1000;
	}
	assert(!err);
	err = aor_encode(&a, NULL, &record);
	assert(!err);
	err = locations_restore(p->r->locations, text_bytes(&record), p->r->now, &reason);
	assert(!err);
	(void)err;
	aor_clear(&a);
	text_clear(&record);
}

RIG_FN void phone_bind(struct phone *p)
{
	phones_bind(p, 1);
}

/* A and B in a call. */
RIG_FN void phones_open(struct rig *r, struct phone *a, struct phone *b)
{
	phone_open(a, r, "1001", "192.0.2.11:5060");
	phone_open(b, r, "1002", "192.0.2.12:5060");
	phone_bind(a);
	phone_bind(b);
}

RIG_FN void phones_talk(struct phone *a, struct phone *b)
{
	phone_invite(a, b->user, PHONE_SDP_A);
	(void)phone_rings(b);
	phone_answer(b, b->invite, "180 Ringing", "");
	phone_answer(b, b->invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(a, "SIP/2.0 200");
	phone_ack(a);
}

#endif
