/* SPDX-License-Identifier: Apache-2.0 */
/* What phones say. */
#include "tests/fuzz/sig_shard.h"

#define VIDEO_SDP PHONE_SDP_B "m=video 5002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
#define EMPTY_SDP                                                                  \
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" \
	"m=audio 0 RTP/AVP 8\r\n"
#define SECURE_SDP                                                                    \
	"v=0\r\no=c 1 1 IN IP4 192.0.2.13\r\ns=-\r\nc=IN IP4 192.0.2.13\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/SAVP 8\r\n"                                                 \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmR2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2\r\n"

static struct bytes pick_sent(struct world *w, const struct phone *p, bool request, unsigned skip)
{
	for (uint32_t i = w->r->sent_count; i-- > 0;) {
		struct bytes text = text_bytes(&w->r->sent[i].data);

		if (addr_eq(&w->r->sent[i].hop.remote, &p->addr) &&
		    bytes_starts(text, "SIP/2.0") != request && skip-- == 0)
			return text;
	}
	return (struct bytes){ 0 };
}

static void world_receive(struct world *w, unsigned phone, const void *text, size_t n)
{
	struct sip_hop hop = { .remote = w->phones[phone].addr };

	check_receiving(!rig_counts(w->r).degraded);
	shard_receive(w->r->shard, &hop, bytes_mem(text, n), w->r->now);
	rig_drain(w->r);
	check_receiving(false);
	w->last_n[phone] = n < RIG_TEXT_MAX ? n : RIG_TEXT_MAX;
	memmove(w->last[phone], text, w->last_n[phone]);
}

static const char *const bodies[] = {
	"", PHONE_SDP_A, PHONE_SDP_B, VIDEO_SDP, "v=0\r\n", EMPTY_SDP, SECURE_SDP,
};

static void say(struct world *w, unsigned phone, const char *text)
{
	world_receive(w, phone, text, strlen(text));
}

/* Some phones keep the time (RFC 4028), and one of them takes UPDATE. */
static const char *timer_lines(unsigned phone)
{
	static const char *const lines[PHONES] = {
		"",
		"k: timer\r\nx: 100;refresher=uac\r\n",
		"Allow: INVITE, UPDATE\r\nk: timer\r\nx: 95;refresher=uas\r\n",
		"Allow: UPDATE\r\nSupported: timer\r\nx: 40\r\n",
	};

	return lines[phone];
}

void world_request(struct world *w, unsigned phone, const char *method, const char *body)
{
	struct phone *p = &w->phones[phone];
	char text[RIG_TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\n"
		       "From: %s;tag=%s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		       "Contact: <sip:%s@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		       method, p->target, p->address, p->branch, p->local, p->tag, p->remote,
		       p->remote_tag[0] ? ";tag=" : "", p->remote_tag, p->call_id, p->cseq, method,
		       p->user, p->address, timer_lines(phone),
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	say(w, phone, text);
}

void world_invite(struct world *w, unsigned phone, uint8_t how)
{
	struct phone *p = &w->phones[phone];

	phone_begin(p, w->phones[how % PHONES].user);
	phone_new_branch(p);
	p->cseq++;
	world_request(w, phone, "INVITE", bodies[how / 16 % COUNT_OF(bodies)]);
}

/* The phone learns its dialog from something it was sent. */
void world_learn(struct world *w, unsigned phone, uint8_t how)
{
	struct phone *p = &w->phones[phone];
	bool asked = how & 1;
	struct bytes m = pick_sent(w, p, asked, how / 2 % 4);
	char tag[sizeof(p->local)];

	if (m.n == 0 || rig_header(m, "Call-ID").n >= sizeof(p->call_id) ||
	    rig_header(m, "From").n >= sizeof(tag) || rig_header(m, "To").n >= sizeof(tag) ||
	    rig_header(m, "Contact").n >= sizeof(tag))
		return; /* too long for this phone */
	phone_copy(p->call_id, sizeof(p->call_id), rig_header(m, "Call-ID"));
	phone_split(rig_header(m, asked ? "From" : "To"), p->remote, sizeof(p->remote),
		    p->remote_tag, sizeof(p->remote_tag));
	phone_split(rig_header(m, asked ? "To" : "From"), p->local, sizeof(p->local), tag,
		    sizeof(tag));
	phone_target(p, rig_header(m, "Contact"));
	if (!p->target[0])
		(void)snprintf(p->target, sizeof(p->target), "sip:x@192.0.2.1");
}

void world_in_dialog(struct world *w, unsigned phone, uint8_t how)
{
	static const char *const methods[] = { "BYE",    "INVITE", "INFO",  "OPTIONS",
					       "UPDATE", "PRACK",  "REFER", "BYE" };
	struct phone *p = &w->phones[phone];

	phone_new_branch(p);
	p->cseq++;
	world_request(w, phone, methods[how % COUNT_OF(methods)],
		      bodies[how / 8 % COUNT_OF(bodies)]);
}

void world_respond(struct world *w, unsigned phone, uint8_t how, uint8_t which)
{
	static const char *const statuses[] = {
		"100 Trying", "180 Ringing",   "183 Progress", "200 OK",
		"200 OK",     "486 Busy Here", "302 Moved",    "487 Request Terminated",
		"481 Gone",   "503 Away",      "606 No",       "299 Odd"
	};
	struct phone *p = &w->phones[phone];
	struct bytes m = pick_sent(w, p, true, which % 4);
	const char *body = bodies[which / 4 % COUNT_OF(bodies)];
	bool elsewhere = which & 0x80; /* the contact is an extension of ours */
	char text[RIG_TEXT_MAX];
	bool tagged = rig_has(rig_header(m, "To"), ";tag=");

	if (m.n == 0)
		return;
	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 %s\r\nVia: " BYTES_FMT "\r\nFrom: " BYTES_FMT "\r\nTo: " BYTES_FMT
		       "%s%s%s\r\nCall-ID: " BYTES_FMT "\r\nCSeq: " BYTES_FMT
		       "\r\nContact: <sip:%s@%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		       how & 0x40 ? "422 Small\r\nMin-SE: 200" : statuses[how % COUNT_OF(statuses)],
		       BYTES_ARG(rig_header(m, "Via")), BYTES_ARG(rig_header(m, "From")),
		       BYTES_ARG(rig_header(m, "To")), tagged ? "" : ";tag=", tagged ? "" : p->tag,
		       how & 0x80 ? "x" : "", BYTES_ARG(rig_header(m, "Call-ID")),
		       BYTES_ARG(rig_header(m, "CSeq")),
		       elsewhere ? w->phones[which % PHONES].user : p->user,
		       elsewhere ? "192.0.2.1" : p->address, timer_lines(phone),
		       body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	say(w, phone, text);
}

void world_mutate(struct world *w, unsigned phone)
{
	char text[RIG_TEXT_MAX];
	size_t n = w->last_n[phone];
	unsigned changes = next(&w->in) % 8;

	memcpy(text, w->last[phone], n);
	while (n && changes--) {
		size_t at = (size_t)next(&w->in) << 8 | next(&w->in);

		text[at % n] = (char)next(&w->in);
	}
	world_receive(w, phone, text, n);
}

void world_raw(struct world *w, unsigned phone)
{
	size_t n = next(&w->in);

	if (n > w->in.n)
		n = w->in.n;
	world_receive(w, phone, w->in.p, n);
	w->in.p += n;
	w->in.n -= n;
}

void world_ack(struct world *w, unsigned phone, uint8_t how)
{
	world_request(w, phone, "ACK", bodies[how % COUNT_OF(bodies)]);
}
