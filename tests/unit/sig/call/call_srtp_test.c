/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP with SDES keys (RFC 4568) on one side of a call: terms, keys and what must never be used twice; parties that fall silent. */
#include <errno.h>

#include "sig/call.pb-c.h"
#include "sig/leg/flow.h"
#include "sig/record/call_record.h"
#include "tests/unit/sig/line.h"
#include "tests/unit/sig/record/golden.h"

#define KEY_A       "YUJDZGVmR2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2"
#define CRYPTO_A    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"
#define SECURE_SDP  "v=0\r\no=a 1 1 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
#define SECURE_LINE "m=audio 4000 RTP/SAVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"

static const char secure_a[] = SECURE_SDP SECURE_LINE CRYPTO_A;

static void extension(struct rig *r, const char *number, void (*set)(struct shard_extension *e))
{
	struct shard_extension e = rig_extension(number, false);

	set(&e);
	assert_int_equal(shard_extension_put(r->shard, &e), 0);
}

static void insecure(struct shard_extension *e)
{
	e->sdes_insecure = true;
}

/* The newest command of that kind for a leg; all zero when there is none. */
static struct flow_spec last_media(const struct rig *r, enum media_command_kind kind, uint8_t leg)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		if (r->media[i].kind == kind && r->media[i].spec.leg == leg)
			return r->media[i].spec;
	}
	return (struct flow_spec){ 0 };
}

static void talk_secure(struct line *l)
{
	extension(l->r, "1001", insecure);
	phone_invite(&l->a, "1002", secure_a);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
}

static void established(struct line *l)
{
	talk_secure(l);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static void secure_and_plain(void **state)
{
	struct line *l = *state;
	struct flow_spec a, b;
	struct bytes ok;

	talk_secure(l);
	assert_true(rig_has(l->b.invite, " RTP/AVP "));
	assert_false(rig_has(l->b.invite, "crypto"));
	ok = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(ok, " RTP/SAVP "));
	assert_true(rig_has(ok, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
	assert_false(rig_has(ok, KEY_A));
	a = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	b = last_media(l->r, MEDIA_FLOW_UPDATE, 1);
	assert_int_equal(a.key_in.suite, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	assert_memory_equal(a.key_in.octets, "aBCdefGhiJKLmoPQrsTuVwyz123456", 30);
	assert_int_equal(a.key_out.suite, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(a.key_out.length, 30);
	assert_true(memcmp(a.key_out.octets, a.key_in.octets, 30) != 0);
	assert_in_range(a.resume.srtp_next, 1, 32767);
	assert_true(a.srtp_limit == a.resume.srtp_next + SRTP_RESERVE);
	assert_int_equal(a.srtcp_limit, SRTCP_RESERVE);
	assert_int_equal(b.key_in.suite + b.key_out.suite, MEDIA_SUITE_NONE);
	assert_int_equal(b.srtp_limit, 0);
}

/* Over UDP keys are in the clear: only where the extension says that this is fine. */
static void keys_in_the_clear(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", secure_a);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	phone_write(&l->a, "ACK", "", "");
	assert_int_equal(rig_count(l->r, &l->b.addr, "INVITE "), 0);
	line_assert_idle(l->r);
}

/* The extension that is called says so: it is offered SRTP with a key of ours. */
static void offered(void **state)
{
	struct line *l = *state;

	extension(l->r, "1002", insecure);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	assert_true(rig_has(l->b.invite, " RTP/SAVP "));
	assert_true(rig_has(l->b.invite, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
}

static bool contains(struct bytes record, const void *what, size_t n)
{
	return memmem(record.p, record.n, what, n) != NULL;
}

static int restart_with(struct line *l, const char **reason)
{
	const struct rig_save *s = rig_stored(l->r);
	int err;

	shard_close(l->r->shard);
	rand_open_seed(&l->r->rand, 4711);
	rig_start_shard(l->r);
	extension(l->r, "1001", insecure);
	err = shard_restore_call(l->r->shard, text_bytes(&s->record), l->r->now, reason);
	rig_drain(l->r);
	return err;
}

static void sealed(void **state)
{
	struct line *l = *state;
	struct flow_spec a, b;
	const char *reason = "";

	established(l);
	a = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	for (uint32_t i = 0; i < l->r->save_count; i++) {
		struct bytes record = text_bytes(&l->r->saves[i].record);

		assert_false(contains(record, a.key_out.octets, 30));
		assert_false(contains(record, a.key_in.octets, 30));
		assert_false(contains(record, "crypto", 6));
	}
	assert_int_equal(restart_with(l, &reason), 0);
	b = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_memory_equal(&b.key_in, &a.key_in, sizeof(a.key_in));
	assert_memory_equal(&b.key_out, &a.key_out, sizeof(a.key_out));
}

/* Around what is sealed a later program may write, too; and it says which one it was before anybody can open it. */
static void sealed_later(void **state)
{
	static uint8_t text[] = { 1, 'x' };
	ProtobufCMessageUnknownField later = { 900, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
					       sizeof(text), text };
	struct line *l = *state;
	static uint8_t packed[16384];
	const char *reason = "";
	struct rig_save *s;
	Tandem__Call__Call *c;

	established(l);
	s = (struct rig_save *)(uintptr_t)rig_stored(l->r);
	for (uint32_t later_by = 0; later_by <= 1; later_by++) {
		c = tandem__call__call__unpack(NULL, s->record.n, (const uint8_t *)s->record.p);
		assert_int_equal(c->format, CALL_RECORD_LEGS);
		assert_true(c->sealed.len > 0 && !c->n_legs);
		if (later_by == 0) {
			c->base.n_unknown_fields = 1;
			c->base.unknown_fields = &later;
		}
		c->format = CALL_RECORD_FORMAT + later_by;
		assert_int_equal(text_set(&s->record,
					  bytes_mem(packed, tandem__call__call__pack(c, packed))),
				 0);
		if (later_by == 0) {
			c->base.n_unknown_fields = 0;
			c->base.unknown_fields = NULL;
		}
		tandem__call__call__free_unpacked(c, NULL);
		assert_int_equal(restart_with(l, &reason), later_by == 0 ? 0 : -EPROTONOSUPPORT);
		if (later_by == 1)
			break;
		shard_degraded(l->r->shard, true, l->r->now);
		shard_degraded(l->r->shard, false, l->r->now);
		rig_wait_ms(l->r, 100);
		s = (struct rig_save *)(uintptr_t)rig_stored(l->r);
		c = tandem__call__call__unpack(NULL, s->record.n, (const uint8_t *)s->record.p);
		assert_int_equal(c->base.n_unknown_fields, 1);
		assert_int_equal(c->base.unknown_fields[0].tag, 900);
		tandem__call__call__free_unpacked(c, NULL);
	}
}

/* A sealed record of an earlier build. */
static void golden(void **state)
{
	struct line *l = *state;
	const char *folder = getenv("TANDEM_GOLDEN");
	static uint8_t record[16384];
	const char *reason = "";
	struct media_key out, again;
	size_t n;

	if (folder) {
		established(l);
		golden_write(folder, golden_name(2, "secure"),
			     text_bytes(&rig_record(l->r)->record));
		return;
	}
	n = golden_read(golden_name(2, "secure"), record, sizeof(record));
	assert_true(n > 0);
	if (shard_restore_call(l->r->shard, bytes_mem(record, n), l->r->now, &reason))
		fail_msg("%s", reason);
	rig_drain(l->r);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).key_out.length, 30);
	assert_memory_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).key_in.octets,
			    "aBCdefGhiJKLmoPQrsTuVwyz123456", 30);
	/* ours is of 30 octets in there, and stays so in what this build writes */
	out = last_media(l->r, MEDIA_FLOW_OPEN, 0).key_out;
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(restart_with(l, &reason), 0);
	again = last_media(l->r, MEDIA_FLOW_OPEN, 0).key_out;
	assert_memory_equal(&again, &out, sizeof(out));
}

#define KEY_GCM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="

static const char secure_gcm[] = SECURE_SDP SECURE_LINE
	"a=crypto:1 AEAD_AES_256_GCM inline:" KEY_GCM "|2^31|7:2\r\n" CRYPTO_A;

/* The longest suite, with an MKI of the party's; the same keys after a restart. */
static void long_suite(void **state)
{
	struct line *l = *state;
	struct flow_spec a, b;
	const char *reason = "";
	struct bytes ok;

	extension(l->r, "1001", insecure);
	phone_invite(&l->a, "1002", secure_gcm);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	ok = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(ok, "a=crypto:1 AEAD_AES_256_GCM inline:"));
	assert_false(rig_has(ok, "|"));
	phone_ack(&l->a);
	a = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_int_equal(a.key_in.suite, MEDIA_SUITE_AEAD_AES_256_GCM);
	assert_int_equal(a.key_in.mki_length, 2);
	assert_memory_equal(a.key_in.mki, "\0\7", 2);
	assert_int_equal(a.key_out.suite, MEDIA_SUITE_AEAD_AES_256_GCM);
	assert_int_equal(a.key_out.length, 44);
	assert_int_equal(a.key_out.mki_length, 0);
	assert_int_equal(restart_with(l, &reason), 0);
	b = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_memory_equal(&b.key_in, &a.key_in, sizeof(a.key_in));
	assert_memory_equal(&b.key_out, &a.key_out, sizeof(a.key_out));
}

static void another_seal_key(void **state)
{
	struct line *l = *state;
	const char *reason = "";

	established(l);
	l->r->settings.seal_key.octets[0]++;
	assert_int_equal(restart_with(l, &reason), -EBADMSG);
	assert_string_equal(reason, "sealed record does not open: another key, or changed");
	l->r->settings.seal_key.id++;
	assert_int_equal(restart_with(l, &reason), -EBADMSG);
	assert_string_equal(reason, "sealed record wants another key");
	assert_int_equal(rig_counts(l->r).calls, 0);
	assert_int_equal(rig_counts(l->r).ports_free, 100);
}

static void reserve(struct line *l, uint64_t next)
{
	struct flow_spec a = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	struct media_event ev = { .kind = MEDIA_FLOW_RESERVE, .id = a.id, .call = a.call };

	ev.resume.srtp_next = next;
	ev.resume.srtcp_next = 7;
	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_drain(l->r);
}

/* The engine hears of more when the record says so, and not before. */
static void more_indexes(void **state)
{
	struct line *l = *state;
	struct flow_spec before, after;
	uint32_t saves;

	established(l);
	before = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	saves = l->r->save_count;
	l->r->hold_saves = true;
	reserve(l, before.srtp_limit - 100);
	after = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_true(after.srtp_limit == before.srtp_limit);
	assert_int_equal(l->r->save_count, saves + 1);
	rig_answer(l->r, saves, true);
	after = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	assert_true(after.srtp_limit == before.srtp_limit - 100 + SRTP_RESERVE);
	assert_int_equal(after.srtcp_limit, SRTCP_RESERVE + 7);
	assert_int_equal(after.rule_count, before.rule_count);
	assert_int_equal(after.receive + after.send, 2);
	shard_degraded(l->r->shard, true, l->r->now);
	rig_drain(l->r);
	reserve(l, after.srtp_limit - 100); /* nobody answers: it goes on all the same */
	assert_true(last_media(l->r, MEDIA_FLOW_UPDATE, 0).srtp_limit ==
		    after.srtp_limit - 100 + SRTP_RESERVE);
}

/* The next process begins where the record says nobody has been, and only when its own grant is saved. */
static void indexes_of_the_next_process(void **state)
{
	struct line *l = *state;
	struct flow_spec before, opened;
	const char *reason = "";

	established(l);
	before = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	l->r->hold_saves = true;
	assert_int_equal(restart_with(l, &reason), 0);
	opened = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_true(opened.resume.srtp_next == before.srtp_limit);
	assert_true(opened.resume.srtcp_next == before.srtcp_limit);
	assert_true(opened.srtp_limit == opened.resume.srtp_next);
	shard_resume(l->r->shard, l->r->now);
	rig_drain(l->r);
	assert_true(last_media(l->r, MEDIA_FLOW_UPDATE, 0).srtp_limit == before.srtp_limit);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_true(last_media(l->r, MEDIA_FLOW_UPDATE, 0).srtp_limit ==
		    before.srtp_limit + SRTP_RESERVE);
	assert_int_equal(restart_with(l, &reason), 0);
	opened = last_media(l->r, MEDIA_FLOW_OPEN, 0);
	assert_true(opened.resume.srtp_next == before.srtp_limit + SRTP_RESERVE);
}

static int restart_as(struct line *l, uint64_t incarnation)
{
	const char *reason = "";

	l->r->incarnation = incarnation;
	return restart_with(l, &reason);
}

/* It may speak at once within a share that no other process begins in, however often one is killed before it saved anything. */
static void each_process_has_its_share(void **state)
{
	static const struct {
		uint64_t incarnation, shares, granted;
	} rows[] = {
		{ 8, 0, 1 },
		{ 9, 1, 1 },
		{ 11, 3, 1 },
		{ 7 + SECRET_SHARES, SECRET_SHARES - 1, 1 },
		{ 8 + SECRET_SHARES, SECRET_SHARES,
		  0 }, /* the jump would be too far for the receiver: it waits */
		{ 7, 0, 0 },
		{ 6, 0, 0 },
		{ 0, 0, 0 },
	};
	struct line *l = *state;
	struct flow_spec before, opened;

	shard_incarnate(l->r->shard, 7);
	established(l);
	before = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		l->r->hold_saves = true;
		assert_int_equal(restart_as(l, rows[i].incarnation), 0);
		opened = last_media(l->r, MEDIA_FLOW_OPEN, 0);
		assert_int_equal(opened.resume.srtp_next - before.srtp_limit,
				 rows[i].shares * SECRET_SHARE);
		assert_int_equal(opened.resume.srtcp_next - before.srtcp_limit,
				 rows[i].shares * SECRET_SHARE_RTCP);
		assert_int_equal(opened.srtp_limit - opened.resume.srtp_next,
				 rows[i].granted * SECRET_SHARE);
	}
	l->r->hold_saves = false;
	assert_int_equal(restart_as(l, 10), 0); /* once it saved, the next one begins behind it */
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	assert_int_equal(restart_as(l, 11), 0);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_OPEN, 0).resume.srtp_next - before.srtp_limit,
			 2 * SECRET_SHARE + SRTP_RESERVE);
}

/* Plain for a while and secure again: the keystream goes on behind what was granted. */
static void secure_plain_secure(void **state)
{
	struct line *l = *state;
	struct flow_spec before, after;
	struct bytes m;

	established(l);
	before = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
	for (int i = 0; i < 2; i++) {
		phone_request(&l->a, "INVITE", "", i ? secure_a : PHONE_SDP_A);
		m = rig_take(l->r, &l->b.addr, "INVITE ");
		phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
		(void)phone_hears(&l->a, "SIP/2.0 200");
		phone_ack(&l->a);
		after = last_media(l->r, MEDIA_FLOW_UPDATE, 0);
		assert_int_equal(after.key_out.suite != MEDIA_SUITE_NONE, i);
	}
	assert_memory_equal(after.key_out.octets, before.key_out.octets, 30);
	assert_true(after.resume.srtp_next >= before.srtp_limit);
}

static void only_tls(struct shard_extension *e)
{
	e->tls_srtp = true;
}

/* REG-08: never plain, in either direction. */
static void secure_only(void **state)
{
	struct line *l = *state;

	extension(l->r, "1002", only_tls);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	assert_true(rig_has(l->b.invite, " RTP/SAVP "));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 488").n);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
}

static void no_video(struct shard_extension *e)
{
	e->no_video = true;
}

static void withheld_video(struct shard_extension *e)
{
	e->withheld = 1u << ENTITLED_VIDEO;
}

static void video_is_withheld(void **state)
{
	static const char video[] =
		PHONE_SDP_A "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
	struct line *l = *state;

	extension(l->r, "1002", withheld_video);
	phone_invite(&l->a, "1002", video);
	assert_true(rig_has(phone_rings(&l->b), "m=video 0 "));
}

/* MED-08; the terms are the call's, also in the next process and after the extension changed. */
static void terms_stay(void **state)
{
	static const char video[] =
		PHONE_SDP_A "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n";
	struct line *l = *state;
	const char *reason = "";
	struct bytes m;

	extension(l->r, "1002", no_video);
	phone_invite(&l->a, "1002", video);
	assert_true(rig_has(phone_rings(&l->b), "m=video 0 "));
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B "m=video 0 RTP/AVP 97\r\n");
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(restart_with(l, &reason), 0);
	shard_resume(l->r->shard, l->r->now);
	rig_run(l->r);
	phone_request(&l->a, "INVITE", "", video);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "m=video 0 "));
}

static void silence(struct line *l, uint8_t leg)
{
	struct flow_spec s = last_media(l->r, MEDIA_FLOW_OPEN, leg);
	struct media_event ev = { .kind = MEDIA_FLOW_SILENT, .id = s.id, .call = s.call };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static void a_party_is_gone(void **state)
{
	struct line *l = *state;

	l->r->settings.media_timeout_ns = 30 * NS_PER_S;
	shard_configure(l->r->shard, &l->r->settings);
	phones_talk(&l->a, &l->b);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 0).silence_ms, 30000);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 1).silence_ms, 30000);
	silence(l, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	assert_int_equal(rig_count(l->r, &l->b.addr, "BYE "), 1);
	line_assert_cdr(l, 200, 102, ENDED_BY_NODE);
	assert_string_equal(l->r->cdrs[0].reason, "media_timeout");
}

/* Who is held is not expected to say anything. */
static void held_parties_are_silent(void **state)
{
	static const char held[] =
		"v=0\r\no=a 1 2 IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n"
		"m=audio 4000 RTP/AVP 8\r\na=sendonly\r\n";
	static const char answer[] =
		"v=0\r\no=b 1 2 IN IP4 192.0.2.12\r\ns=-\r\nc=IN IP4 192.0.2.12\r\nt=0 0\r\n"
		"m=audio 5000 RTP/AVP 8\r\na=recvonly\r\n";
	struct line *l = *state;

	l->r->settings.media_timeout_ns = 30 * NS_PER_S;
	shard_configure(l->r->shard, &l->r->settings);
	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "", held);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", answer);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 0).silence_ms, 30000);
	/* the engine hears whether it was there at all */
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 1).silence_ms, 30000);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 1).receive, 0);
	assert_int_equal(last_media(l->r, MEDIA_FLOW_UPDATE, 1).send, 1);
}

/* The answer is on its way: whoever hears it may still begin to speak, and is watched anew. */
static void silent_before_the_ack(void **state)
{
	struct line *l = *state;
	uint32_t commands;

	l->r->settings.media_timeout_ns = 5 * NS_PER_S;
	shard_configure(l->r->shard, &l->r->settings);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	silence(l, 0);
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	commands = l->r->media_count;
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	assert_int_equal(l->r->media_count, commands + 2);
	silence(l, 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(secure_and_plain),
		LINE_TEST(keys_in_the_clear),
		LINE_TEST(offered),
		LINE_TEST(sealed),
		LINE_TEST(sealed_later),
		LINE_TEST(long_suite),
		LINE_TEST(another_seal_key),
		LINE_TEST(golden),
		LINE_TEST(more_indexes),
		LINE_TEST(indexes_of_the_next_process),
		LINE_TEST(each_process_has_its_share),
		LINE_TEST(secure_plain_secure),
		LINE_TEST(secure_only),
		LINE_TEST(terms_stay),
		LINE_TEST(video_is_withheld),
		LINE_TEST(a_party_is_gone),
		LINE_TEST(held_parties_are_silent),
		LINE_TEST(silent_before_the_ack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
