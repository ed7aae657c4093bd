/* SPDX-License-Identifier: Apache-2.0 */
/* Legs of browsers in calls: who is offered DTLS-SRTP with ICE, what the engine hears of it, and what the next process knows. */
#include <errno.h>

#include "tests/unit/sig/line.h"
#include "tests/unit/sig/record/golden.h"
#include "tests/unit/sig/web_phone.h"

static const char opus_b[] =
	"v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
	"m=audio 5000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n";

/* The newest command of that kind for the first line of a leg; all zero when there is none. */
static struct flow_spec last_media(const struct rig *r, enum media_command_kind kind, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == kind && r->media[i].spec.leg == leg &&
		    r->media[i].spec.line == 0)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

enum { FLIGHT = 75 };

static void keyed(struct line *l, uint8_t leg, uint8_t association, char first)
{
	struct flow_spec s = last_media(l->r, MEDIA_FLOW_OPEN, leg);
	struct media_event ev = { .kind = MEDIA_FLOW_KEYED,
				  .id = s.id,
				  .call = s.call,
				  .leg = leg,
				  .association = association,
				  .key_in = { .suite = SUITE_80, .length = 30 },
				  .key_out = { .suite = SUITE_80, .length = 30 } };

	memset(ev.key_in.octets, first, 30);
	memset(ev.key_out.octets, first + 1, 30);
	ev.resume.source_rtp = rig_addr("203.0.113.9:4000");
	ev.resume.srtp_in = 70000; /* under a key before: */
	ev.resume.srtp_key = 0xfedcba98;
	ev.flight.length = FLIGHT;
	memset(ev.flight.octets, first + 2, FLIGHT);
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static void restart(struct line *l)
{
	const struct rig_save *s = rig_stored(l->r);
	const char *reason = "";

	shard_close(l->r->shard);
	rand_open_seed(&l->r->rand, 4711);
	rig_start_shard(l->r);
	webrtc(l->r, "1001", WEBRTC_ALWAYS);
	if (shard_restore_call(l->r->shard, text_bytes(&s->record), l->r->now, &reason))
		fail_msg("%s", reason);
	rig_drain(l->r);
}

/* A browser calls a plain phone. */
static struct bytes called(struct line *l)
{
	struct bytes ok;

	webrtc(l->r, "1001", WEBRTC_ALWAYS);
	phone_invite(&l->a, "1002", WEB_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", opus_b);
	ok = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(ok.n);
	return ok;
}

static void established(struct line *l)
{
	(void)called(l);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void browser_and_phone(void **state)
{
	struct line *l = *state;
	struct bytes ok = called(l);
	struct flow_spec a = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	struct flow_spec b = last_media(l->r, MEDIA_FLOW_UPDATE, 1);
	struct flow_spec first = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	char ufrag[32];

	assert_true(rig_has(l->b.invite, " RTP/AVP "));
	assert_false(rig_has(l->b.invite, "ice-"));
	assert_false(rig_has(l->b.invite, "fingerprint"));
	assert_true(rig_has(ok, " UDP/TLS/RTP/SAVPF "));
	assert_true(rig_has(ok, "a=setup:passive"));
	assert_true(rig_has(ok, "a=ice-lite"));
	(void)snprintf(ufrag, sizeof(ufrag), "a=ice-ufrag:%.8s\r\n", a.ice.ufrag);
	assert_true(rig_has(ok, ufrag));
	assert_int_equal(first.ice.on, 1); /* checks come as soon as the answer is out */
	assert_memory_equal(&first.ice, &a.ice, sizeof(a.ice));
	assert_int_equal(a.dtls.role, DTLS_SERVER);
	assert_int_equal(a.dtls.peer.hash, MEDIA_HASH_SHA256);
	assert_int_equal(a.dtls.peer.octets[1], 0x11);
	assert_int_equal(a.key_in.suite + a.key_out.suite, MEDIA_SUITE_NONE);
	assert_in_range(a.resume.srtp_next, 1, 32767);
	assert_true(a.srtp_limit > a.resume.srtp_next);
	assert_int_equal(a.receive + a.send + a.rtcp_mux, 3);
	assert_int_equal(b.dtls.role, DTLS_NONE);
	assert_int_equal(b.ice.on, 0);
}

/* The same as seen from the one who is called. */
static void phone_and_browser(void **state)
{
	struct line *l = *state;
	struct flow_spec b;

	webrtc(l->r, "1002", WEBRTC_ALWAYS);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	assert_true(rig_has(l->b.invite, " UDP/TLS/RTP/SAVPF "));
	assert_true(rig_has(l->b.invite, "a=setup:actpass"));
	assert_true(rig_has(l->b.invite, "a=group:BUNDLE"));
	phone_answer(&l->b, l->b.invite, "200 OK", WEB_SDP("bbbb", FINGER_B, "active", "sendrecv"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	b = last_media(l->r, MEDIA_FLOW_UPDATE, 1);
	assert_int_equal(b.dtls.role, DTLS_SERVER);
	assert_int_equal(b.dtls.peer.octets[0], 0xff);
	assert_int_equal(b.ice.on, 1);
}

/* Who is no browser is neither offered it, nor is it accepted of him where others could change the fingerprint. */
static void not_for_all(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", WEB_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	line_assert_idle(l->r);
}

/* The keys of a handshake are in the record, sealed, and the next process has them at once. */
static void keys_outlive_the_process(void **state)
{
	struct line *l = *state;
	struct flow_spec a, before;
	const char *text = "11111111";

	established(l);
	before = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	keyed(l, 0, 9, '3'); /* of an association that is not, or no more */
	keyed(l, 0, 0, '1');
	restart(l);
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_int_equal(a.key_in.suite, SUITE_80);
	assert_int_equal(a.key_in.octets[29], '1');
	assert_int_equal(a.key_out.octets[0], '2');
	assert_memory_equal(&a.ice, &before.ice, sizeof(a.ice));
	assert_memory_equal(&a.dtls, &before.dtls, sizeof(a.dtls));
	for (uint32_t i = 0; i < l->r->save_count; i++)
		assert_null(memmem(l->r->saves[i].record.p, l->r->saves[i].record.n, text, 8));
}

/* ---- the flight with which the party can finish ---- */

/* So many were let go; *last: the newest. */
static uint32_t flights(const struct rig *r, struct media_command *last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->media_count; i++) {
		if (r->media[i].kind != MEDIA_FLOW_FLIGHT)
			continue;
		*last = r->media[i];
		n++;
	}
	return n;
}

static void latched(struct line *l)
{
	struct flow_spec s = last_media(l->r, MEDIA_FLOW_OPEN, 0);

	shard_media_event(
		l->r->shard,
		&(struct media_event){ .kind = MEDIA_FLOW_LATCHED, .id = s.id, .call = s.call },
		l->r->now);
	rig_run(l->r);
}

static void the_flight_waits_for_the_save(void **state)
{
	struct line *l = *state;
	struct media_command m;
	uint32_t saves;

	established(l);
	l->r->hold_saves = true;
	saves = l->r->save_count;
	keyed(l, 0, 9, '3'); /* of an association that is none: nobody waits */
	assert_int_equal(l->r->save_count, saves);
	keyed(l, 0, 0, '1');
	rig_wait_ms(l->r, 400);
	assert_int_equal(l->r->save_count, saves + 1);
	assert_int_equal(flights(l->r, &m), 0);
	rig_answer(l->r, saves, true);
	assert_int_equal(flights(l->r, &m), 1);
	assert_int_equal(m.id.slot, last_media(l->r, MEDIA_FLOW_OPEN, 0).id.slot);
	assert_int_equal(m.id.generation, last_media(l->r, MEDIA_FLOW_OPEN, 0).id.generation);
	assert_int_equal(m.association, 0);
}

/* One that fails, or is late, and one that is not even tried. */
static void no_store_blocks_the_flight(void **state)
{
	struct line *l = *state;
	struct media_command m;
	uint32_t saves;

	established(l);
	l->r->hold_saves = true;
	saves = l->r->save_count;
	keyed(l, 0, 0, '1');
	rig_answer(l->r, saves, false);
	assert_int_equal(flights(l->r, &m), 1);
	shard_degraded(l->r->shard, true, l->r->now);
	keyed(l, 0, 0, '4');
	assert_int_equal(flights(l->r, &m), 2);
}

/* Of an association that was given up meanwhile it is not let go. */
static void the_flight_of_another_association(void **state)
{
	struct line *l = *state;
	struct media_command m;
	uint32_t saves;

	established(l);
	phone_request(&l->a, "INVITE", "", WEB_SDP("dddd", FINGER_B, "actpass", "sendrecv"));
	l->r->hold_saves = true;
	saves = l->r->save_count;
	keyed(l, 0, 0, '1');
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", opus_b);
	rig_answer(l->r, saves, true);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 0).dtls.association, 1);
	assert_int_equal(flights(l->r, &m), 0);
}

static void the_flight_outlives_the_process(void **state)
{
	struct line *l = *state;
	struct media_command m;
	struct flow_spec a;
	uint32_t before;

	established(l);
	keyed(l, 0, 0, '1');
	before = flights(l->r, &m);
	assert_int_equal(m.flight.length, 0); /* the engine has it */
	restart(l);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(flights(l->r, &m), before + 1);
	assert_int_equal(m.flight.length, FLIGHT);
	assert_int_equal(m.flight.octets[0], '3');
	assert_int_equal(m.flight.octets[FLIGHT - 1], '3');
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_int_equal(m.id.slot, a.id.slot);
	assert_int_equal(a.resume.source_rtp.port, 4000); /* it is known whom to tell */
	assert_int_equal(a.resume.srtp_in, 70000);
	assert_int_equal(a.resume.srtp_key, 0xfedcba98);
}

static void nobody_asks_for_an_old_flight(void **state)
{
	struct line *l = *state;
	struct media_command m;
	uint32_t before;
	size_t n;

	established(l);
	keyed(l, 0, 0, '1');
	before = flights(l->r, &m);
	n = rig_stored(l->r)->record.n;
	rig_wait_ms(l->r, 31000);
	restart(l); /* from a record that still has it */
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(flights(l->r, &m), before);
	assert_true(rig_stored(l->r)->record.n + FLIGHT <= n);
}

/* As client we told the keys before the server's last word, which was no. */
static void keys_are_taken_back(void **state)
{
	struct line *l = *state;
	struct flow_spec s;
	struct media_command m;
	uint32_t before;

	established(l);
	keyed(l, 0, 0, '1');
	s = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	shard_media_event(
		l->r->shard,
		&(struct media_event){ .kind = MEDIA_FLOW_KEYED, .id = s.id, .call = s.call },
		l->r->now);
	rig_run(l->r);
	before = flights(l->r, &m);
	restart(l);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).key_in.suite, MEDIA_SUITE_NONE);
	assert_int_equal(flights(l->r, &m), before);
}

static void the_flight_leaves_the_record(void **state)
{
	struct line *l = *state;
	size_t n;

	established(l);
	keyed(l, 0, 0, '1');
	n = rig_stored(l->r)->record.n;
	latched(l);
	assert_true(rig_stored(l->r)->record.n + FLIGHT > n);
	rig_wait_ms(l->r, 31000);
	latched(l);
	assert_true(rig_stored(l->r)->record.n + FLIGHT <= n);
}

static void reinvite(struct line *l, const char *sdp)
{
	phone_request(&l->a, "INVITE", "", sdp);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", opus_b);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
}

/* A re-INVITE keeps credentials and keys; another ufrag is an ICE restart, another certificate another association. */
static void what_a_reinvite_changes(void **state)
{
	struct line *l = *state;
	struct flow_spec first, kept, restarted, other;

	established(l);
	keyed(l, 0, 0, '1');
	first = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	reinvite(l, WEB_SDP("aaaa", FINGER_A, "actpass", "sendonly"));
	kept = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_memory_equal(&kept.ice, &first.ice, sizeof(kept.ice));
	assert_memory_equal(&kept.dtls, &first.dtls, sizeof(kept.dtls));
	assert_int_equal(kept.key_in.octets[0], '1');
	reinvite(l, WEB_SDP("cccc", FINGER_A, "actpass", "sendrecv"));
	restarted = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_memory_not_equal(restarted.ice.ufrag, first.ice.ufrag, ICE_UFRAG_LEN);
	assert_memory_not_equal(restarted.ice.pwd, first.ice.pwd, ICE_PWD_LEN);
	assert_int_equal(restarted.dtls.association, first.dtls.association);
	assert_int_equal(restarted.key_in.octets[0], '1');
	reinvite(l, WEB_SDP("dddd", FINGER_B, "actpass", "sendrecv"));
	other = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_int_equal(other.dtls.association, first.dtls.association + 1);
	assert_int_equal(other.key_in.suite, MEDIA_SUITE_NONE);
	keyed(l, 0, 0, '5'); /* late, of the old one */
	restart(l);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).key_in.suite, MEDIA_SUITE_NONE);
}

/* The engine has come near the limit of these indexes. */
static void reserve(struct line *l, uint64_t next)
{
	struct flow_spec s = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	struct media_event ev = { .kind = MEDIA_FLOW_RESERVE, .id = s.id, .call = s.call };

	ev.resume.srtp_next = next;
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

/* What the engine knows last. */
static struct flow_spec spec_now(const struct line *l)
{
	return last_media(l->r, MEDIA_FLOW_UPDATE, 0);
}

/* A call of half an hour, say. */
static void talked_long(struct line *l)
{
	established(l);
	keyed(l, 0, 0, '1');
	while (spec_now(l).srtp_limit < 100000)
		reserve(l, spec_now(l).srtp_limit - 100);
}

static void assert_begins_anew(const struct flow_spec *s)
{
	assert_in_range(s->resume.srtp_next, 1, SRTP_FIRST_END - 1);
	assert_int_equal(s->srtp_limit, s->resume.srtp_next + SRTP_RESERVE);
}

/* The receiver of another association has a new session, which takes the rollover counter for 0; so it is for all successors. */
static void another_association_has_its_own_indexes(void **state)
{
	struct line *l = *state;
	struct flow_spec s;

	talked_long(l);
	restart(l);
	s = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_true(s.resume.srtp_next >= 100000); /* the same keys */
	reinvite(l, WEB_SDP("dddd", FINGER_B, "actpass", "sendrecv"));
	s = spec_now(l);
	assert_begins_anew(&s);
	reserve(l, 108000); /* of the keys before, which are heard until there are others */
	reinvite(l, WEB_SDP("dddd", FINGER_B, "actpass", "sendrecv"));
	assert_int_equal(spec_now(l).srtp_limit, s.srtp_limit);
	keyed(l, 0, s.dtls.association, '5');
	reserve(l, s.srtp_limit - 100);
	assert_int_equal(spec_now(l).srtp_limit, s.srtp_limit - 100 + SRTP_RESERVE);
	restart(l);
	s = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_int_equal(s.key_in.octets[0], '5');
	assert_in_range(s.resume.srtp_next, SRTP_RESERVE, UINT16_MAX);
}

/* Killed before the handshake, of which a successor hears: where the record's indexes end says nothing of these keys. */
static void a_successor_has_another_handshake(void **state)
{
	struct line *l = *state;
	struct flow_spec s;

	talked_long(l);
	for (int i = 0; i < 5; i++) {
		reinvite(l, i % 2 ? WEB_SDP("cccc", FINGER_A, "actpass", "sendrecv")
				  : WEB_SDP("dddd", FINGER_B, "actpass", "sendrecv"));
		for (int killed = 0; killed <= i; killed++)
			restart(l);
		s = last_media(l->r, MEDIA_FLOW_OPEN, 0);
		assert_int_equal(s.key_out.suite, MEDIA_SUITE_NONE);
		keyed(l, 0, s.dtls.association, (char)('2' + i));
		if (s.resume.srtp_next < SRTP_FIRST_END)
			continue;
		assert_int_equal(spec_now(l).key_in.octets[0], '2' + i);
		s.resume.srtp_next = srtp_index_anew(s.resume.srtp_next); /* as the engine does */
		assert_int_equal(spec_now(l).resume.srtp_next, s.resume.srtp_next);
		s = spec_now(l);
		assert_begins_anew(&s);
	}
}

#define VIDEO_LINE(mid)                                                                \
	"m=video 9 UDP/TLS/RTP/SAVPF 102\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:aaaa\r\n"  \
	"a=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\na=fingerprint:sha-256 " FINGER_A "\r\n" \
	"a=setup:actpass\r\na=mid:" mid                                                \
	"\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:102 H264/90000\r\n"                  \
	"a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n"

/* A calls with one transport for both lines, and B answers. */
static void bundled(struct line *l)
{
	static const char offer[] =
		"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:aaaa\r\n"
		"a=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\na=fingerprint:sha-256 " FINGER_A "\r\n"
		"a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\n" VIDEO_LINE("1");

	webrtc(l->r, "1001", WEBRTC_ALWAYS);
	phone_invite(&l->a, "1002", offer);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK",
		     "v=0\r\no=b 1 1 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		     "m=audio 5000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n"
		     "m=video 5002 RTP/AVP 102\r\na=rtpmap:102 H264/90000\r\n"
		     "a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\n");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	keyed(l, 0, 0, '1');
}

/* The second flow sends by the first one's socket, with its keys. */
static void one_transport(void **state)
{
	struct line *l = *state;
	struct flow_spec audio = { 0 }, video = { 0 };

	bundled(l);
	shard_media_event(
		l->r->shard,
		&(struct media_event){ .kind = MEDIA_FLOW_RESERVE,
				       .id = last_media(l->r, MEDIA_FLOW_OPEN, 0).id,
				       .call = last_media(l->r, MEDIA_FLOW_OPEN, 0).call },
		l->r->now); /* another update */
	rig_run(l->r);
	for (uint32_t i = 0; i < l->r->media_count; i++) {
		const struct flow_spec *s = &l->r->media[i].spec;

		if (l->r->media[i].kind == MEDIA_FLOW_UPDATE && s->leg == 0)
			*(s->line ? &video : &audio) = *s;
	}
	assert_int_equal(audio.bundle.generation, 0);
	assert_memory_equal(&video.bundle, &audio.id, sizeof(audio.id));
	assert_int_equal(video.key_in.octets[0], '1');
	assert_memory_equal(&video.key_out, &audio.key_out, sizeof(audio.key_out));
	assert_true(video.ssrc_out != audio.ssrc_out);
}

/* All lines have the port of the first one, which is ours after a restart: nobody is asked again. */
static void one_transport_is_one_port(void **state)
{
	struct line *l = *state;

	bundled(l);
	restart(l);
	shard_resume(l->r->shard, l->r->now);
	rig_wait_ms(l->r, 1000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 1); /* that of the call */
}

/* ---- single-port mode ---- */

enum { SHARED_FIRST = 7000, SHARED_WORKER = 3 };

struct shared_rig {
	uint32_t taken, claimed, released;
	bool gone;
};

static uint16_t shared_take(void *arg, uint64_t call, uint16_t network)
{
	struct shared_rig *x = arg;

	assert_true(call != 0 && network == 0);
	x->taken++;
	return SHARED_FIRST + SHARED_WORKER;
}

static bool shared_claim(void *arg, uint64_t call, uint16_t network, uint16_t port)
{
	struct shared_rig *x = arg;

	assert_true(call != 0 && network == 0);
	assert_int_equal(port, SHARED_FIRST + SHARED_WORKER);
	x->claimed++;
	return !x->gone;
}

static void shared_release(void *arg, uint64_t call)
{
	struct shared_rig *x = arg;

	assert_true(call != 0);
	x->released++;
}

static void shared_start(struct line *l, struct shared_rig *x)
{
	l->r->settings.shared = (struct shard_shared_ports){
		.arg = x, .take = shared_take, .claim = shared_claim, .release = shared_release
	};
	shard_close(l->r->shard);
	rig_start_shard(l->r);
	phones_open(l->r, &l->a, &l->b);
}

static void hang_up(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "BYE "), "200 OK", "");
	line_assert_idle(l->r);
}

/* The browser's flow has the worker's port, the phone's one of its own; so it is after a reload, and in the next process. */
static void one_port_for_all(void **state)
{
	static struct shard_settings reloaded;
	struct line *l = *state;
	struct shared_rig x = { 0 };
	struct flow_spec a, b;
	struct bytes ok;

	shared_start(l, &x);
	ok = called(l);
	assert_true(rig_has(ok, "m=audio 7003 UDP/TLS"));
	assert_true(rig_has(ok, "192.0.2.1 7003 typ host"));
	phone_ack(&l->a);
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	b = last_media(l->r, MEDIA_FLOW_OPEN, 1);
	assert_int_equal(a.shared_port, 1);
	assert_int_equal(a.local_rtp.port, 7003);
	assert_int_equal(a.local_rtcp.family, ADDR_NONE);
	assert_int_equal(b.shared_port, 0);
	assert_true(b.local_rtp.port != 7003);
	reloaded = l->r->settings; /* as the file says it: without what is the process's own */
	reloaded.shared = (struct shard_shared_ports){ 0 };
	reloaded.fingerprint = (struct media_fingerprint){ 0 };
	shard_configure(l->r->shard, &reloaded);
	reinvite(l, WEB_SDP("aaaa", FINGER_A, "actpass", "sendonly"));
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 0).local_rtp.port, 7003);
	assert_int_equal(x.claimed, 0);
	restart(l);
	assert_int_equal(x.claimed, 1);
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_int_equal(a.shared_port, 1);
	assert_int_equal(a.local_rtp.port, 7003);
	x.released = 0;
	hang_up(l);
	assert_int_equal(x.released, 1);
}

/* The port is no longer there: the browser is asked to come to another one, with other credentials, and the phone is not. */
static void the_port_is_gone(void **state)
{
	struct line *l = *state;
	struct shared_rig x = { 0 };
	struct bytes asked;
	struct flow_spec before, after;
	char ufrag[32];

	shared_start(l, &x);
	established(l);
	before = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	x.gone = true;
	restart(l);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	after = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_memory_not_equal(before.ice.ufrag, after.ice.ufrag, sizeof(before.ice.ufrag));
	asked = rig_take(l->r, &l->a.addr, "INVITE ");
	(void)snprintf(ufrag, sizeof(ufrag), "a=ice-ufrag:%.8s\r\n", after.ice.ufrag);
	assert_true(rig_has(asked, ufrag));
	assert_int_equal(rig_take(l->r, &l->b.addr, "INVITE ").n, 0);
	phone_answer(&l->a, asked, "200 OK", WEB_SDP("bbbb", FINGER_A, "active", "sendrecv"));
	rig_wait_ms(l->r, 70000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_take(l->r, &l->a.addr, "INVITE ").n, 0); /* once */
	assert_int_equal(l->r->cdr_count, 0);
}

/* Who is offered ICE over UDP may answer without it, and would not be found. */
static void not_who_might_have_no_ice(void **state)
{
	struct line *l = *state;
	struct shared_rig x = { 0 };

	shared_start(l, &x);
	webrtc(l->r, "1002", WEBRTC_ALWAYS);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	assert_true(rig_has(l->b.invite, "a=ice-ufrag:"));
	assert_int_equal(x.taken, 0);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 1).shared_port, 0);
}

static void golden_taken(struct line *l, const char *kind)
{
	static uint8_t record[16384];
	const char *reason = "";
	size_t n = golden_read(golden_name(3, kind), record, sizeof(record));
	struct media_command m;
	struct flow_spec a;

	assert_true(n > 0);
	if (shard_restore_call(l->r->shard, bytes_mem(record, n), l->r->now, &reason))
		fail_msg("%s: %s", kind, reason);
	rig_drain(l->r);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(flights(l->r, &m), 0); /* it was heard long ago */
	a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_int_equal(a.ice.on, 1);
	assert_int_equal(a.dtls.role, DTLS_SERVER);
	assert_int_equal(a.dtls.peer.octets[1], 0x11);
	assert_int_equal(a.key_in.suite, SUITE_80);
	assert_int_equal(a.key_in.octets[29], '1');
	assert_int_equal(a.key_out.octets[0], '2');
}

/* Sealed records of an earlier build, of a flow with its own port and of one that shares it. */
static void golden(void **state)
{
	static const char *const kinds[] = { "webrtc", "shared" };
	const char *folder = getenv("TANDEM_GOLDEN");
	struct line *l = *state;
	struct shared_rig x = { 0 };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (i > 0)
			shared_start(l, &x);
		if (folder) {
			established(l);
			keyed(l, 0, 0, '1');
			golden_write(folder, golden_name(3, kinds[i]),
				     text_bytes(&rig_stored(l->r)->record));
		} else {
			golden_taken(l, kinds[i]);
		}
	}
	if (!folder)
		assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).local_rtp.port, 7003);
}

/* And one with a flight that the party may not have heard; of those above it was none. */
static void golden_flight(void **state)
{
	static uint8_t record[16384];
	const char *folder = getenv("TANDEM_GOLDEN"), *reason = "";
	struct line *l = *state;
	struct media_command m = { 0 };
	size_t n;

	if (folder) {
		established(l);
		keyed(l, 0, 0, '1');
		golden_write(folder, golden_name(4, "flight"),
			     text_bytes(&rig_stored(l->r)->record));
		return;
	}
	n = golden_read(golden_name(4, "flight"), record, sizeof(record));
	assert_true(n > 0);
	if (shard_restore_call(l->r->shard, bytes_mem(record, n), l->r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(flights(l->r, &m), 1);
	assert_int_equal(m.flight.length, FLIGHT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(browser_and_phone),
		LINE_TEST(phone_and_browser),
		LINE_TEST(not_for_all),
		LINE_TEST(keys_outlive_the_process),
		LINE_TEST(the_flight_waits_for_the_save),
		LINE_TEST(no_store_blocks_the_flight),
		LINE_TEST(the_flight_of_another_association),
		LINE_TEST(the_flight_outlives_the_process),
		LINE_TEST(nobody_asks_for_an_old_flight),
		LINE_TEST(the_flight_leaves_the_record),
		LINE_TEST(keys_are_taken_back),
		LINE_TEST(what_a_reinvite_changes),
		LINE_TEST(another_association_has_its_own_indexes),
		LINE_TEST(a_successor_has_another_handshake),
		LINE_TEST(one_transport),
		LINE_TEST(one_transport_is_one_port),
		LINE_TEST(one_port_for_all),
		LINE_TEST(the_port_is_gone),
		LINE_TEST(golden),
		LINE_TEST(golden_flight),
		LINE_TEST(not_who_might_have_no_ice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
