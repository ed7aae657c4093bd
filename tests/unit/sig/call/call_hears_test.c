/* SPDX-License-Identifier: Apache-2.0 */
/* What a party hears of the node (FEATURES CALL-08, MED-04): music while it is held, ringback while another is rung for it. */
#include "tests/unit/sig/line.h"

#define SDP(who, host, port, formats, direction)                                        \
	"v=0\r\no=" who " 1 2 IN IP4 192.0.2." host "\r\ns=-\r\nc=IN IP4 192.0.2." host \
	"\r\nt=0 0\r\nm=audio " port " RTP/AVP " formats                                \
	"\r\na=rtpmap:101 telephone-event/8000\r\na=" direction "\r\n"
#define SDP_A(direction) SDP("a", "11", "4000", "8 101", direction)
#define SDP_B(direction) SDP("b", "12", "5000", "8 101", direction)

static const struct job_id g_music[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 3, .generation = 7 },
	[MEDIA_CODEC_OPUS] = { .slot = 4, .generation = 7 },
};

static const struct job_id g_ringback[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
};

static const struct job_id g_busy[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 6, .generation = 7 },
};
static const struct job_id g_congestion[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 7, .generation = 7 },
};
static const struct job_id g_information[MEDIA_CODECS] = {
	[MEDIA_CODEC_PCMA] = { .slot = 8, .generation = 7 },
};

static void put_tones(struct rig *r)
{
	r->settings.tones = true;
	shard_configure(r->shard, &r->settings);
	shard_track_set(r->shard, SHARD_TRACK_RINGBACK, g_ringback);
	shard_track_set(r->shard, SHARD_TRACK_BUSY, g_busy);
	shard_track_set(r->shard, SHARD_TRACK_CONGESTION, g_congestion);
	shard_track_set(r->shard, SHARD_TRACK_INFORMATION, g_information);
	rig_wait_ms(r, 1);
}

static int ringing(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	put_tones(l->r);
	return 0;
}

static int talking(void **state)
{
	struct line *l;

	(void)line_setup(state);
	l = *state;
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, g_music);
	phones_talk(&l->a, &l->b);
	return 0;
}

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	assert_true(shard_call_next(r->shard, &cursor, &view));
	return view.call;
}

static void assert_music(const struct line *l, uint8_t leg, uint32_t slot, uint8_t type)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.source.job.slot, slot);
	assert_int_equal(s.source.job.generation, 7);
	assert_int_equal(s.source.payload_type, type);
	assert_int_equal(s.send, 1);
	assert_int_equal(s.receive, 0);
}

static void assert_no_music(const struct line *l, uint8_t leg)
{
	assert_int_equal(line_last_spec(l->r, leg).source.job.generation, 0);
}

static void assert_silent(const struct line *l, uint8_t leg)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.source.job.generation, 0);
	assert_int_equal(s.send, 0);
	assert_int_equal(s.receive, 0);
}

/* The phone of A, by re-INVITE; B answers with sdp. */
static void offer_of_a(struct line *l, const char *offer, const char *answer)
{
	struct bytes m;

	phone_request(&l->a, "INVITE", "", offer);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&l->b, m, "200 OK", answer);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
}

static void by_the_phone(void **state)
{
	struct line *l = *state;

	assert_no_music(l, 0);
	assert_no_music(l, 1);
	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	assert_music(l, 1, 3, 8);
	assert_no_music(l, 0);
	offer_of_a(l, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_no_music(l, 1);
	assert_int_equal(line_last_spec(l->r, 1).send, 1);
	assert_int_equal(line_last_spec(l->r, 1).receive, 1);
}

static void by_command(void **state)
{
	struct line *l = *state;
	struct bytes m;

	assert_int_equal(shard_call_hold(l->r->shard, the_call(l->r), 0, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_music(l, 1, 3, 8); /* at once */
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	assert_music(l, 1, 3, 8);
	assert_no_music(l, 0);
	assert_int_equal(line_last_spec(l->r, 0).send, 0);
	assert_int_equal(shard_call_resume(l->r->shard, the_call(l->r), 0, NULL, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_no_music(l, 1);
}

/* Its phone takes and says nothing: the other one is to listen all the same. */
static void by_the_phone_that_says_inactive(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", SDP_A("inactive"));
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_B("recvonly"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "a=inactive\r\n"));
	phone_ack(&l->a);
	assert_music(l, 1, 3, 8);
	assert_int_equal(line_last_spec(l->r, 0).send + line_last_spec(l->r, 0).receive, 0);
	phone_request(&l->b, "INVITE", "", SDP_B("recvonly"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	phone_answer(&l->a, m, "200 OK", SDP_A("inactive"));
	m = phone_hears(&l->b, "SIP/2.0 200");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	phone_ack(&l->b);
	assert_music(l, 1, 3, 8);
	assert_int_equal(line_last_spec(l->r, 0).send + line_last_spec(l->r, 0).receive, 0);
	phone_request(&l->b, "UPDATE", "", SDP_B("recvonly"));
	m = phone_hears(&l->b, "SIP/2.0 200");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	assert_music(l, 1, 3, 8);
	offer_of_a(l, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_no_music(l, 1);
	assert_int_equal(line_last_spec(l->r, 1).receive + line_last_spec(l->r, 0).receive, 2);
}

/* Without music it is told what the other one says. */
static void inactive_without_music(void **state)
{
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, none);
	phone_request(&l->a, "INVITE", "", SDP_A("inactive"));
	assert_true(rig_has(rig_take(l->r, &l->b.addr, "INVITE "), "a=inactive\r\n"));
}

/* Both hold: nobody listens. */
static void by_both(void **state)
{
	struct line *l = *state;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("inactive"));
	assert_no_music(l, 0);
	assert_no_music(l, 1);
}

/* The other one refuses: nothing has changed. */
static void refused(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_request(&l->a, "INVITE", "", SDP_A("sendonly"));
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	phone_answer(&l->b, m, "488 Not Acceptable Here", "");
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, g_music);
	rig_wait_ms(l->r, 1);
	assert_no_music(l, 1);
}

/* What a phone that only ever sends is: nobody holds. */
static void who_never_listens(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "200 OK", SDP_B("sendonly"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, g_music);
	rig_wait_ms(l->r, 1);
	assert_no_music(l, 0);
	assert_int_equal(line_last_spec(l->r, 0).send, 1);
}

/* The party's re-INVITE that refreshes the session does not end it. */
static void refreshed_by_the_held(void **state)
{
	struct line *l = *state;
	struct bytes m;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	phone_request(&l->b, "INVITE", "", SDP_B("recvonly"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	assert_true(m.n);
	phone_answer(&l->a, m, "200 OK", SDP_A("sendonly"));
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	assert_music(l, 1, 3, 8);
}

/* The other one asks it to go on, and it does. */
static void taken_up_by_the_other(void **state)
{
	struct line *l = *state;
	struct bytes m;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	phone_request(&l->b, "INVITE", "", SDP_B("sendrecv"));
	m = rig_take(l->r, &l->a.addr, "INVITE ");
	phone_answer(&l->a, m, "200 OK", SDP_A("sendrecv"));
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	phone_ack(&l->b);
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, g_music);
	rig_wait_ms(l->r, 1);
	assert_no_music(l, 1);
	assert_int_equal(line_last_spec(l->r, 1).receive, 1);
}

/* It comes, changes and goes while somebody is held. */
static void changes(void **state)
{
	static const struct job_id other[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 9, .generation = 7 },
	};
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, other);
	rig_wait_ms(l->r, 1);
	assert_music(l, 1, 9, 8);
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, none);
	rig_wait_ms(l->r, 1);
	assert_no_music(l, 1);
	assert_int_equal(line_last_spec(l->r, 1).send, 1); /* as it was carried */
}

static void choose_music(struct line *l, const char *number, uint8_t track)
{
	struct shard_extension e = rig_extension(number, false);

	e.music = track;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	rig_wait_ms(l->r, 1);
}

/* Who holds has chosen what is heard; it may do so while it holds. */
static void the_holders_choice(void **state)
{
	static const struct job_id file[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 9, .generation = 7 },
	};
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	shard_track_set(l->r->shard, SHARD_TRACK_FILES, file);
	choose_music(l, "1002", SHARD_TRACK_FILES);
	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	assert_music(l, 1, 3, 8);
	choose_music(l, "1001", SHARD_TRACK_FILES);
	assert_music(l, 1, 9, 8);
	shard_track_set(l->r->shard, SHARD_TRACK_FILES, none); /* it cannot be used any more */
	rig_wait_ms(l->r, 1);
	assert_music(l, 1, 3, 8);
	choose_music(l, "1001", SHARD_TRACK_NONE);
	assert_no_music(l, 1);
	choose_music(l, "1001", SHARD_TRACK_MUSIC);
	assert_music(l, 1, 3, 8);
	offer_of_a(l, SDP_A("sendrecv"), SDP_B("sendrecv"));
	assert_no_music(l, 1);
}

/* The next process has music a little later than calls. */
static void after_a_restart(void **state)
{
	struct line *l = *state;
	struct rig *r = l->r;
	const char *reason = "";

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	rig_wait_ms(r, 100);
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&rig_stored(r)->record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
	assert_no_music(l, 1);
	shard_track_set(r->shard, SHARD_TRACK_MUSIC, g_music);
	rig_wait_ms(r, 1);
	assert_music(l, 1, 3, 8);
}

/* It does not hear who holds meanwhile: packets of that one waited in its socket. */
static void silence_until_music_is_there(void **state)
{
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;
	struct rig *r = l->r;
	const char *reason = "";
	uint32_t before;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	shard_track_await(r->shard, SHARD_TRACK_MUSIC);
	rig_wait_ms(r, 1);
	assert_silent(l, 1);
	rig_wait_ms(r, 100);
	shard_close(r->shard);
	rig_start_shard(r);
	before = r->media_count;
	shard_track_await(r->shard, SHARD_TRACK_MUSIC);
	if (shard_restore_call(r->shard, text_bytes(&rig_stored(r)->record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
	assert_silent(l, 1);
	for (uint32_t i = before; i < r->media_count; i++)
		assert_false(r->media[i].spec.leg == 1 && r->media[i].spec.send);
	shard_track_set(r->shard, SHARD_TRACK_MUSIC, g_music);
	rig_wait_ms(r, 1);
	assert_music(l, 1, 3, 8);
	shard_track_await(r->shard, SHARD_TRACK_MUSIC);
	shard_track_set(r->shard, SHARD_TRACK_MUSIC, none); /* it cannot be used */
	rig_wait_ms(r, 1);
	assert_no_music(l, 1);
	assert_int_equal(line_last_spec(r, 1).send, 1);
}

/* A file of who holds is awaited only where there is no other music. */
static void silence_until_the_choice_is_there(void **state)
{
	static const struct job_id none[MEDIA_CODECS];
	struct line *l = *state;

	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	shard_track_await(l->r->shard, SHARD_TRACK_FILES);
	choose_music(l, "1001", SHARD_TRACK_FILES);
	assert_music(l, 1, 3, 8);
	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, none);
	rig_wait_ms(l->r, 1);
	assert_silent(l, 1);
	shard_track_set(l->r->shard, SHARD_TRACK_FILES, g_music);
	rig_wait_ms(l->r, 1);
	assert_music(l, 1, 3, 8);
}

/* A party that takes nothing the node can encode hears its peer. */
static void no_codec(void **state)
{
	static const struct job_id opus[MEDIA_CODECS] = {
		[MEDIA_CODEC_OPUS] = { .slot = 4, .generation = 7 },
	};
	struct line *l = *state;

	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, opus);
	offer_of_a(l, SDP_A("sendonly"), SDP_B("recvonly"));
	assert_no_music(l, 1);
}

/* ---- ringback ---- */

/* It can be reached, and is listened to. */
static void assert_ringback(const struct line *l, uint8_t leg)
{
	struct flow_spec s = line_last_spec(l->r, leg);

	assert_int_equal(s.source.job.slot, 5);
	assert_int_equal(s.source.payload_type, 8);
	assert_int_equal(s.remote_rtp.port, 4000);
	assert_int_equal(s.send, 1);
	assert_int_equal(s.receive, 1);
}

static void restart(struct line *l)
{
	const char *reason = "";
	struct rig *r = l->r;
	uint32_t last;

	rig_wait_ms(r, 100);
	last = r->save_count - 1;
	while (r->saves[last].kind != EFFECT_CALL_SAVE)
		last--;
	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	if (shard_restore_call(r->shard, text_bytes(&r->saves[last].record), r->now, &reason))
		fail_msg("%s", reason);
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* By command: A has answered, and waits for B. */
static void a_waits(struct line *l)
{
	const struct shard_originate o = { .call = UINT64_C(0x7800000000001),
					   .from = "1001",
					   .to = "1002" };

	assert_int_equal(shard_call_originate(l->r->shard, &o, l->r->now), 0);
	rig_wait_ms(l->r, 1);
	assert_true(phone_rings(&l->a).n);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	phone_answer(&l->a, l->a.invite, "200 OK", PHONE_SDP_A);
	assert_true(rig_take(l->r, &l->a.addr, "ACK ").n);
	assert_true(phone_rings(&l->b).n);
}

static void while_b_rings(void **state)
{
	struct line *l = *state;

	a_waits(l);
	assert_ringback(l, 0);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_ringback(l, 0);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	assert_int_equal(line_last_spec(l->r, 0).send, 1);
	assert_int_equal(line_last_spec(l->r, 0).remote_rtp.port, 4000);
}

/* The next process knows it from the call; the track comes a little later. */
static void while_b_rings_over_a_restart(void **state)
{
	struct line *l = *state;

	a_waits(l);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	restart(l);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	put_tones(l->r);
	assert_ringback(l, 0);
}

/* A's phone plays what comes since it was told of early media: and whoever has that is rung no longer. */
static void after_early_media(void **state)
{
	struct line *l = *state;
	struct shard_extension caller = rig_extension("1001", true);
	struct phone c;

	phone_open(&c, l->r, "1004", "192.0.2.14:5060");
	phone_bind(&c);
	assert_int_equal(shard_extension_put(l->r->shard, &caller), 0);
	assert_int_equal(shard_forward_set(l->r->shard, TENANT_DEFAULT, "1002",
					   &(struct shard_forward){ .busy = "1004" }),
			 0);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "183 Session Progress", PHONE_SDP_B);
	assert_true(rig_has(phone_hears(&l->a, "SIP/2.0 183"), "m=audio "));
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	assert_true(phone_rings(&c).n);
	assert_ringback(l, 0);
	phone_answer(&c, c.invite, "180 Ringing", "");
	assert_ringback(l, 0);
	phone_answer(&c, c.invite, "183 Session Progress", PHONE_SDP_B);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	phone_answer(&c, c.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
}

/* Without any its phone makes its own. */
static void not_without_early_media(void **state)
{
	struct line *l = *state;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_rings(&l->b).n);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	assert_int_equal(line_last_spec(l->r, 0).send, 0);
}

/* ---- why nobody takes the call ---- */

static void assert_tone(const struct line *l, uint32_t slot)
{
	struct flow_spec s = line_last_spec(l->r, 0);

	assert_int_equal(s.source.job.slot, slot);
	assert_int_equal(s.remote_rtp.port, 4000);
	assert_int_equal(s.send, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
}

static void a_is_told_why(void **state)
{
	static const struct {
		const char *status;
		uint32_t slot;
	} rows[] = {
		{ "486 Busy Here", 6 },     { "600 Busy Everywhere", 6 },     { "603 Decline", 6 },
		{ "404 Not Found", 8 },     { "484 Address Incomplete", 8 },  { "500 Error", 7 },
		{ "480 Not Available", 7 }, { "488 Not Acceptable Here", 7 },
	};
	struct line *l;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (i) {
			assert_int_equal(line_teardown(state), 0);
			assert_int_equal(ringing(state), 0);
		}
		l = *state;
		a_waits(l);
		phone_answer(&l->b, l->b.invite, rows[i].status, "");
		assert_tone(l, rows[i].slot);
		rig_wait_ms(l->r, 4990);
		assert_tone(l, rows[i].slot);
		rig_wait_ms(l->r, 20);
		phone_answer(&l->a, rig_take(l->r, &l->a.addr, "BYE "), "200 OK", "");
		line_assert_idle(l->r);
		assert_int_equal(l->r->cdr_count, 1);
		assert_int_equal(l->r->cdrs[0].sip_status, atoi(rows[i].status));
		assert_int_equal(l->r->cdrs[0].ended_by, ENDED_BY_B);
		assert_int_equal(l->r->cdrs[0].answer_utc_ms, 0);
	}
}

/* It was over before: what the CDR says is why nobody took it. */
static void a_hangs_up(void **state)
{
	struct line *l = *state;

	a_waits(l);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	assert_tone(l, 6);
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

static void nobody_answers(void **state)
{
	struct line *l = *state;

	a_waits(l);
	phone_answer(&l->b, l->b.invite, "180 Ringing", "");
	rig_wait_ms(l->r, 180000);
	assert_tone(l, 7);
	assert_true(rig_take(l->r, &l->b.addr, "CANCEL ").n);
	phone_answer(&l->b, l->b.invite, "487 Request Terminated", "");
	assert_tone(l, 7);
	rig_wait_ms(l->r, 5000);
	line_assert_cdr(l, 408, 19, ENDED_BY_NODE);
}

/* The next process goes on with it for the time that was left. */
static void over_a_restart(void **state)
{
	struct line *l = *state;

	a_waits(l);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	rig_wait_ms(l->r, 2000);
	restart(l);
	put_tones(l->r);
	assert_tone(l, 6);
	rig_wait_ms(l->r, 2800);
	assert_tone(l, 6);
	rig_wait_ms(l->r, 200);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* Who hears none of it does not wait. */
static void without_the_tone(void **state)
{
	struct line *l = *state;

	l->r->settings.tones = false;
	shard_configure(l->r->shard, &l->r->settings);
	a_waits(l);
	phone_answer(&l->b, l->b.invite, "486 Busy Here", "");
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 1);
	line_assert_cdr(l, 486, 17, ENDED_BY_B);
}

/* What it offers does not count before it is answered. */
static void not_before_the_answer(void **state)
{
	struct line *l = *state;

	phone_request(&l->a, "INVITE", "", SDP_A("sendonly"));
	assert_true(rig_take(l->r, &l->b.addr, "INVITE ").n);
	assert_no_music(l, 1);
}

#define RING_TEST(fn)  cmocka_unit_test_setup_teardown(fn, ringing, line_teardown)
#define MUSIC_TEST(fn) cmocka_unit_test_setup_teardown(fn, talking, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MUSIC_TEST(by_the_phone),
		MUSIC_TEST(by_command),
		MUSIC_TEST(by_the_phone_that_says_inactive),
		MUSIC_TEST(inactive_without_music),
		MUSIC_TEST(by_both),
		MUSIC_TEST(refused),
		cmocka_unit_test_setup_teardown(who_never_listens, line_setup, line_teardown),
		MUSIC_TEST(refreshed_by_the_held),
		MUSIC_TEST(taken_up_by_the_other),
		MUSIC_TEST(changes),
		MUSIC_TEST(the_holders_choice),
		MUSIC_TEST(after_a_restart),
		MUSIC_TEST(silence_until_music_is_there),
		MUSIC_TEST(silence_until_the_choice_is_there),
		MUSIC_TEST(no_codec),
		MUSIC_TEST(not_before_the_answer),
		RING_TEST(while_b_rings),
		RING_TEST(while_b_rings_over_a_restart),
		RING_TEST(after_early_media),
		RING_TEST(not_without_early_media),
		RING_TEST(a_is_told_why),
		RING_TEST(a_hangs_up),
		RING_TEST(nobody_answers),
		RING_TEST(over_a_restart),
		RING_TEST(without_the_tone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
