/* SPDX-License-Identifier: Apache-2.0 */
/* A phone over UDP and one on a connection, from behind NAT, for cmocka. */
#ifndef TESTS_UNIT_SIG_WIRED_H
#define TESTS_UNIT_SIG_WIRED_H

#include "tests/unit/sig/sip/credentials.h"
#include "tests/unit/test.h"

enum { UDP_LOCAL, TCP_LOCAL, TLS_LOCAL };

struct line {
	struct rig *r;
	struct phone a, b; /* a: UDP; b: TCP, from behind NAT */
};

RIG_FN struct shard_settings settings(void)
{
	struct shard_settings s = rig_settings();

	s.digest.offer = 1 << DIGEST_MD5;
	s.registrar.many = 100;
	s.registrar.expires_many_s = 600;
	s.local_count = 3;
	s.locals[TCP_LOCAL] = s.locals[TLS_LOCAL] = s.locals[UDP_LOCAL];
	s.locals[TCP_LOCAL].transport = SIP_TCP;
	s.locals[TLS_LOCAL].transport = SIP_TLS;
	return s;
}

/* The port of a connection is new each time, its name too. */
RIG_FN void connect_phone(struct phone *p, enum sip_transport transport, uint64_t connection)
{
	p->hop = (struct sip_hop){ .transport = transport,
				   .local = transport == SIP_TCP ? TCP_LOCAL : TLS_LOCAL,
				   .remote = rig_addr("192.0.2.12"),
				   .connection = connection,
				   .inbound = true };
	p->hop.remote.port = (uint16_t)(40000 + connection);
}

/* The last thing sent that begins so. */
RIG_FN const struct rig_sent *last(const struct rig *r, const char *begin)
{
	static const struct rig_sent nothing;

	for (uint32_t i = r->sent_count; i-- > 0;) {
		if (bytes_starts(text_bytes(&r->sent[i].data), begin))
			return &r->sent[i];
	}
	return &nothing;
}

RIG_FN uint32_t count(const struct rig *r, const char *begin)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->sent_count; i++)
		n += bytes_starts(text_bytes(&r->sent[i].data), begin);
	return n;
}

/* Challenge and answer; the final response. contact: the rest of the Contact, or "". */
RIG_FN struct bytes log_in(struct phone *p, const char *extra)
{
	char lines[2048], credentials[1024];

	phone_register_with(p, extra, 90);
	assert_true(last(p->r, "SIP/2.0 401")->data.n);
	(void)credentials_make(credentials, text_bytes(&last(p->r, "SIP/2.0 401")->data),
			       "Authorization", DIGEST_MD5, p->user, "secret", "REGISTER",
			       "sip:test.local");
	(void)snprintf(lines, sizeof(lines), "%s%s", credentials, extra);
	phone_register_with(p, lines, 90);
	return text_bytes(&p->r->sent[p->r->sent_count - 1].data);
}

RIG_FN int setup(void **state)
{
	struct line *l = calloc(1, sizeof(*l));
	struct shard_settings s = settings();

	l->r = rig_open_with(&s);
	phone_open(&l->a, l->r, "1001", "192.0.2.11:5060");
	phone_bind(&l->a);
	phone_open(&l->b, l->r, "1002", "10.0.0.5:5060"); /* what it believes to be */
	connect_phone(&l->b, SIP_TCP, 5);
	*state = l;
	return 0;
}

RIG_FN int teardown(void **state)
{
	struct line *l = *state;

	rig_close(l->r);
	free(l);
	return 0;
}

RIG_FN void assert_on(const struct rig_sent *s, uint64_t connection)
{
	assert_true(s->data.n);
	assert_int_equal(s->hop.transport, SIP_TCP);
	assert_int_equal(s->hop.local, TCP_LOCAL);
	assert_true(s->hop.connection == connection);
}

/* B rings on its connection and answers there. */
RIG_FN void talk(struct line *l)
{
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_on(last(l->r, "INVITE "), l->b.hop.connection);
	l->b.invite = text_bytes(&last(l->r, "INVITE ")->data);
	(void)phone_copy(l->b.call_id, sizeof(l->b.call_id), rig_header(l->b.invite, "Call-ID"));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* 1003 sends A to B, who is not whom A called. */
RIG_FN void redirect(struct line *l)
{
	struct phone other;

	(void)log_in(&l->b, "");
	phone_open(&other, l->r, "1003", "192.0.2.13:5060");
	phone_bind(&other);
	phone_invite(&l->a, "1003", PHONE_SDP_A);
	phone_answer_as(&other, phone_rings(&other), "t3", "302 Moved",
			"Contact: <sip:1002@test.local>\r\n", "");
	assert_on(last(l->r, "INVITE "), 5);
	phone_answer(&l->b, text_bytes(&last(l->r, "INVITE ")->data), "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
}

/* B's request in its dialog. */
RIG_FN void ask(struct phone *b, const char *method)
{
	phone_copy(b->local, sizeof(b->local), rig_header(b->invite, "To"));
	phone_split(rig_header(b->invite, "From"), b->remote, sizeof(b->remote), b->remote_tag,
		    sizeof(b->remote_tag));
	phone_target(b, rig_header(b->invite, "Contact"));
	b->cseq = 500;
	phone_request(b, method, "", "");
}

#endif
