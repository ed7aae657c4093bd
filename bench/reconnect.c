/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All phones come back at once over new connections, some of them in calls: what that costs the signalling core. Virtual time, no socket,
 * no store; the time within the shard is counted, that for the digest too.
 *   reconnect [phones] [calls]
 */
#include "base/clock.h"
#include "tests/unit/sig/sip/credentials.h"

enum { PHONES = 20000, CALLS = 4000, PHONES_PER_HOST = 100 };

static uint64_t g_busy_ns;
static uint32_t g_moved; /* records of calls that were saved again */

static void seen(struct rig *r, const struct effect *e)
{
	(void)r;
	g_moved += e->kind == EFFECT_CALL_SAVE;
}

static void say(struct phone *p, const char *text)
{
	uint64_t start = clock_now_ns();

	shard_receive(p->r->shard, &p->hop, bytes_str(text), p->r->now);
	g_busy_ns += clock_now_ns() - start;
	rig_run(p->r);
}

static struct bytes last(const struct rig *r, const char *begin)
{
	for (uint32_t i = r->sent_count; i-- > 0;) {
		if (bytes_starts(text_bytes(&r->sent[i].data), begin))
			return text_bytes(&r->sent[i].data);
	}
	return (struct bytes){ 0 };
}

static void say_register(struct phone *p, const char *credentials)
{
	char text[RIG_TEXT_MAX];

	phone_new_branch(p);
	(void)snprintf(text, sizeof(text),
		       "REGISTER sip:test.local SIP/2.0\r\n"
		       "Via: SIP/2.0/TCP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n"
		       "From: <sip:%s@test.local>;tag=r\r\nTo: <sip:%s@test.local>\r\n"
		       "Call-ID: reg-%s\r\nCSeq: %u REGISTER\r\n"
		       "Contact: <sip:%s@10.0.0.5:5060;transport=tcp>;expires=3600\r\n%s"
		       "Content-Length: 0\r\n\r\n",
		       p->address, p->branch, p->user, p->user, p->user, ++p->cseq, p->user,
		       credentials);
	say(p, text);
}

/* Over its next connection. */
static void come(struct phone *p)
{
	char credentials[1024];
	struct bytes ok;

	p->hop.connection += 1000000;
	p->hop.remote.port++;
	p->addr = p->hop.remote;
	say_register(p, "");
	(void)credentials_make(credentials, last(p->r, "SIP/2.0 401"), "Authorization", DIGEST_MD5,
			       p->user, "secret", "REGISTER", "sip:test.local");
	say_register(p, credentials);
	ok = rig_take(p->r, &p->addr, "SIP/2.0 200");
	assert(ok.n);
	(void)ok;
}

static void open_phone(struct phone *p, struct rig *r, uint32_t i, char number[16])
{
	struct shard_extension e;
	char host[32];
	int err;

	(void)snprintf(number, 16, "%u", 100000 + i);
	(void)snprintf(host, sizeof(host), "192.0.2.%u:%u", 10 + i / PHONES_PER_HOST % 240,
		       1024 + 4 * (i % PHONES_PER_HOST + i / (240 * PHONES_PER_HOST) * 100));
	e = rig_extension(number, false);
	err = shard_extension_put(r->shard, &e);
	assert(!err);
	(void)err;
	phone_open(p, r, number, host);
	p->hop = (struct sip_hop){ .transport = SIP_TCP,
				   .local = 1,
				   .remote = p->addr,
				   .connection = i + 1,
				   .inbound = true };
	(void)snprintf(p->address, sizeof(p->address), "10.0.0.5:5060"); /* behind NAT */
	come(p);
}

static void call(struct phone *a, struct phone *b)
{
	phone_invite(a, b->user, PHONE_SDP_A);
	phone_answer(b, last(a->r, "INVITE "), "200 OK", PHONE_SDP_B);
	(void)phone_hears(a, "SIP/2.0 200");
	phone_ack(a);
}

static struct shard_settings settings(uint32_t phones, uint32_t calls)
{
	struct shard_settings s = rig_settings();

	s.digest.offer = 1 << DIGEST_MD5;
	s.calls_max = calls + 1;
	s.registrations_max = phones + 10;
	s.txns_max = 100000;
	s.networks[0].first_port = 10000;
	s.networks[0].last_port = 65535;
	s.local_count = 2;
	s.locals[1] = s.locals[0];
	s.locals[1].transport = SIP_TCP;
	return s;
}

int main(int argc, char **argv)
{
	static struct shard_settings s; /* too big for a stack */
	uint32_t phones = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : PHONES;
	uint32_t calls = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : CALLS;
	struct phone *list = calloc(phones, sizeof(*list));
	char(*numbers)[16] = calloc(phones, sizeof(*numbers));
	struct rig *r;

	if (!list || !numbers || 2 * calls > phones)
		return 2;
	s = settings(phones, calls);
	r = rig_open_with(&s);
	r->rolling = true;
	for (uint32_t i = 0; i < phones; i++)
		open_phone(&list[i], r, i, numbers[i]);
	for (uint32_t i = 0; i < calls; i++)
		call(&list[2 * i], &list[2 * i + 1]);
	rig_wait_ms(r, 70000);
	(void)printf("%u registrations, %u calls established\n", rig_counts(r).bindings,
		     rig_counts(r).calls_established);
	g_busy_ns = 0;
	r->seen = seen;
	for (uint32_t i = 0; i < phones; i++)
		come(&list[i]);
	(void)printf("%u phones came back, %u legs moved: %.3f s, %.1f us a phone\n", phones,
		     g_moved, (double)g_busy_ns / 1e9, (double)g_busy_ns / 1e3 / phones);
	rig_close(r);
	free(numbers);
	free(list);
	return 0;
}
