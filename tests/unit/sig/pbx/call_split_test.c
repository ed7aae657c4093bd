/* SPDX-License-Identifier: Apache-2.0 */
/* A call of two becomes two calls, each of a party with no other party. */

#include "sig/call/prompts.h"
#include "tests/unit/sig/line.h"

#define OTHER UINT64_C(0x7800000000001) /* of shard 7, derived */
#define SDP_OF(who, port, version, direction)                                             \
	"v=0\r\no=x 1 " version " IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who \
	"\r\nt=0 0\r\nm=audio " port                                                      \
	" RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=" direction "\r\n"
#define SDP_VIDEO(who, port)                                                             \
	"v=0\r\no=x 1 1 IN IP4 192.0.2." who "\r\ns=-\r\nc=IN IP4 192.0.2." who          \
	"\r\nt=0 0\r\nm=audio " port "00 RTP/AVP 8\r\nm=video " port "02 RTP/AVP 96\r\n" \
	"a=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f;packetization-mode=1\r\n"

static const struct shard_order g_by = { .id = 77, .ticket = 9 };
static const struct prompt_terms g_play = { .files = { "a.wav" }, .file_count = 1, .times = 1 };
static const struct prompt_terms g_pin = {
	.min = 2, .max = 2, .first_ms = 5000, .inter_ms = 2000, .ends = "#"
};

static const struct prompt_terms g_greeting = {
	.files = { "greeting.wav" }, .file_count = 1, .times = 1, .interruptible = true
};
static const struct prompt_terms g_stop;

static uint64_t the_call(struct rig *r)
{
	struct call_view view;
	uint32_t cursor = 0;

	while (shard_call_next(r->shard, &cursor, &view)) {
		if (view.call != OTHER)
			return view.call;
	}
	fail_msg("there is no call");
	return 0;
}

static int split_with(struct line *l, uint64_t call, uint8_t leg, const char *application)
{
	const struct shard_split split = {
		.call = call, .to = OTHER, .leg = leg, .application = application, .by = &g_by
	};
	int err = shard_call_split(l->r->shard, &split, l->r->now);

	rig_run(l->r);
	return err;
}

static int split(struct line *l, uint8_t leg)
{
	return split_with(l, the_call(l->r), leg, "");
}

/* What the engine was told last of a line of the call, which has one party. */
static struct flow_spec line_of(const struct rig *r, uint64_t call, uint8_t line)
{
	for (uint32_t i = r->media_count; i-- > 0;) {
		const struct media_command *m = &r->media[i];

		if ((m->kind == MEDIA_FLOW_UPDATE || m->kind == MEDIA_FLOW_OPEN) &&
		    m->spec.call == call && m->spec.line == line)
			return m->spec;
	}
	fail_msg("nothing was told");
	return (struct flow_spec){ 0 };
}

static void assert_alone(const struct rig *r, uint64_t call)
{
	struct flow_spec s = line_of(r, call, 0);

	assert_true(s.alone && s.receive && s.send);
	assert_int_equal(s.peer.generation, 0);
}

static uint32_t events_of(const struct rig *r, enum sig_event_kind kind, uint64_t call)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->event_count; i++)
		n += r->events[i].kind == kind && r->events[i].call == call;
	return n;
}

static const struct sig_event *last_of(const struct rig *r, enum sig_event_kind kind)
{
	static const struct sig_event none;

	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	fail_msg("nothing was told");
	return &none;
}

/* Of each call the newest record that the store has; saved: or was asked to keep. */
static void restart(struct line *l, bool saved)
{
	struct rig *r = l->r;
	const char *reason = "";
	uint64_t seen[8];
	uint32_t count = 0;

	shard_close(r->shard);
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	for (uint32_t i = r->save_count; i-- > 0;) {
		const struct rig_save *save = &r->saves[i];
		bool old = save->kind == EFFECT_BINDING_SAVE || (saved && !save->answered);

		for (uint32_t k = 0; k < count; k++)
			old |= seen[k] == save->call;
		if (old)
			continue;
		seen[count++] = save->call;
		if (save->kind == EFFECT_CALL_SAVE &&
		    shard_restore_call(r->shard, text_bytes(&save->record), r->now, &reason))
			fail_msg("%s", reason);
	}
	for (uint32_t i = 0; i < r->save_count; i++)
		r->saves[i].answered = true;
	shard_resume(r->shard, r->now);
	rig_run(r);
}

/* B is in a dialog that began with an INVITE to it. */
static void b_asks(struct line *l, const char *method, const char *extra, const char *body)
{
	if (l->b.cseq < 500) /* phone_rings */
		l->b.cseq = 500;
	phone_request(&l->b, method, extra, body);
	rig_run(l->r);
}

static void answers(struct phone *p, const char *sdp)
{
	struct bytes m = rig_take(p->r, &p->addr, "INVITE ");

	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(p, m, "200 OK", sdp);
	assert_true(rig_take(p->r, &p->addr, "ACK ").n);
}

static void ends(struct line *l)
{
	phone_request(&l->a, "BYE", "", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	b_asks(l, "BYE", "", "");
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	line_assert_idle(l->r);
}

static const struct cdr *cdr_of(const struct rig *r, uint64_t call, uint8_t pair)
{
	static const struct cdr none;

	for (uint32_t i = 0; i < r->cdr_count; i++) {
		if (r->cdrs[i].call == call && r->cdrs[i].pair == pair)
			return &r->cdrs[i];
	}
	fail_msg("there is no such CDR");
	return &none;
}

static uint64_t talk_ms(const struct cdr *cdr)
{
	return cdr->end_utc_ms - cdr->answer_utc_ms;
}

/* ---- */

static void two_calls(void **state)
{
	struct line *l = *state;
	const struct cdr *pair, *rest, *other;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	rig_wait_ms(l->r, 5000);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(rig_counts(l->r).calls_established, 2);
	assert_alone(l->r, call);
	assert_alone(l->r, OTHER);
	assert_int_equal(events_of(l->r, SIG_CALL_SPLIT, call), 1);
	assert_true(event_number(last_of(l->r, SIG_CALL_SPLIT), EV_OTHER) == call);
	rig_wait_ms(l->r, 3000);
	b_asks(l, "BYE", "", "");
	assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
	rig_wait_ms(l->r, 4000);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_int_equal(rig_count(l->r, &l->a.addr, "BYE "), 0);
	phone_request(&l->a, "BYE", "", "");
	line_assert_idle(l->r);
	pair = cdr_of(l->r, call, 1);
	rest = cdr_of(l->r, call, 2);
	other = cdr_of(l->r, OTHER, 1);
	assert_int_equal(l->r->cdr_count, 3);
	assert_string_equal(pair->reason, "split");
	assert_int_equal(pair->ended_by, ENDED_BY_OPERATOR);
	assert_string_equal(pair->to, "1002");
	assert_int_equal(talk_ms(pair), 5000);
	assert_string_equal(rest->from, "1001");
	assert_string_equal(rest->to, "");
	assert_int_equal(talk_ms(rest), 7000);
	assert_string_equal(other->from, "1002");
	assert_int_equal(talk_ms(other), 3000);
	assert_int_equal(other->sip_status, 200);
	assert_int_equal(other->a.packets_in, 50); /* its leg's */
	assert_int_equal(rest->a.packets_in, 50);
}

static void caller_goes(void **state)
{
	struct line *l = *state;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	assert_int_equal(split(l, 0), 0);
	assert_alone(l->r, call);
	assert_alone(l->r, OTHER);
	assert_int_equal(line_of(l->r, OTHER, 0).remote_rtp.port, 4000);
	restart(l, true);
	assert_int_equal(rig_counts(l->r).calls_established, 2);
	assert_int_equal(line_of(l->r, OTHER, 0).remote_rtp.port, 4000);
	ends(l);
	assert_string_equal(cdr_of(l->r, OTHER, 1)->from, "1001");
	assert_string_equal(cdr_of(l->r, call, 2)->from, "1002");
}

/* Both records leave at once, and the answer behind them. */
static void is_saved(void **state)
{
	struct line *l = *state;
	uint32_t saves;

	phones_talk(&l->a, &l->b);
	l->r->hold_saves = true;
	saves = l->r->save_count;
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(l->r->save_count, saves + 2);
	assert_true(l->r->saves[saves].call != l->r->saves[saves + 1].call);
	assert_int_equal(l->r->order_count, 0);
	l->r->hold_saves = false;
	rig_answer(l->r, saves, true);
	assert_int_equal(l->r->order_count, 0);
	rig_answer(l->r, saves + 1, true);
	assert_int_equal(l->r->order_count, 1);
	assert_true(l->r->order.saved);
	assert_int_equal(l->r->order.ticket, 9);
}

/* Killed before the save they speak on, behind it they are apart. */
static void killed_before_and_behind(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	l->r->hold_saves = true;
	assert_int_equal(split(l, 1), 0);
	restart(l, true);
	l->r->hold_saves = false;
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	assert_true(line_last_spec(l->r, 0).peer.generation);
	l->r->hold_saves = true;
	assert_int_equal(split(l, 1), 0);
	restart(l, false);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_int_equal(rig_counts(l->r).calls_established, 2);
	assert_alone(l->r, the_call(l->r));
	assert_alone(l->r, OTHER);
	ends(l);
}

static void once(void **state)
{
	struct line *l = *state;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(split(l, 1), 0); /* the same command */
	assert_int_equal(l->r->order_count, 2);
	restart(l, true);
	assert_int_equal(split_with(l, call, 1, ""), 0);
	assert_int_equal(l->r->order_count, 3);
	assert_int_equal(events_of(l->r, SIG_CALL_SPLIT, call), 1);
	b_asks(l, "BYE", "", "");
	rig_wait_ms(l->r, 70000);
	assert_int_equal(split_with(l, call, 1, ""), 0); /* the new call is over */
	assert_int_equal(l->r->order_count, 4);
	assert_int_equal(rig_counts(l->r).calls, 1);
	phone_request(&l->a, "BYE", "", "");
	line_assert_idle(l->r);
}

static void is_refused(void **state)
{
	struct line *l = *state;
	const struct shard_split again = {
		.call = OTHER, .to = OTHER + 1, .leg = 1, .application = ""
	};
	uint64_t call;

	assert_int_equal(split_with(l, 5, 1, ""), REFUSED_NO_CALL);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	call = the_call(l->r);
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_NOT_ESTABLISHED);
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_NOT_ESTABLISHED);
	l->r->hold_saves = true;
	phone_ack(&l->a);
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_CHANGING); /* a save is on its way */
	l->r->hold_saves = false;
	rig_run(l->r);
	phone_request(&l->a, "INVITE", "", PHONE_SDP_A);
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_CHANGING);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK", PHONE_SDP_B);
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	phone_request(&l->b, "REFER", "Refer-To: <sip:1003@test.local>\r\n", "");
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_CHANGING);
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "NOTIFY "), "200 OK", "");
	assert_int_equal(rig_counts(l->r).calls, 1);
	assert_int_equal(split_with(l, call, 1, ""), 0);
	assert_int_equal(shard_call_split(l->r->shard, &again, l->r->now), REFUSED_NO_PARTY);
	assert_int_equal(rig_counts(l->r).calls, 2);
	ends(l);
}

static void is_full(void **state)
{
	struct line *l = *state;
	struct shard_settings s = rig_settings();
	struct rig *r = l->r;

	shard_close(r->shard);
	s.calls_max = 1;
	r->settings = s;
	rig_start_shard(r);
	phone_bind(&l->a);
	phone_bind(&l->b);
	phones_talk(&l->a, &l->b);
	assert_int_equal(split(l, 1), REFUSED_CALLS_FULL);
	assert_int_equal(rig_counts(r).calls_established, 1);
	assert_true(line_last_spec(r, 0).peer.generation);
}

/* ---- what they hear and are told ---- */

static void music_until_something_is_played(void **state)
{
	static const struct job_id music[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
	};
	struct line *l = *state;
	uint64_t call;

	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, music);
	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(line_of(l->r, call, 0).source.job.slot, 5);
	assert_int_equal(line_of(l->r, OTHER, 0).source.job.slot, 5);
	assert_alone(l->r, OTHER);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_greeting, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_int_equal(line_of(l->r, OTHER, 0).source.job.generation, 0);
	assert_int_equal(line_of(l->r, call, 0).source.job.slot, 5);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_stop, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_PLAYED), EV_REASON), "stopped");
	assert_int_equal(line_of(l->r, OTHER, 0).source.job.slot, 5);
}

/* Keys may be secret: they are told to an application alone. */
static void no_keys_without_an_application(void **state)
{
	struct line *l = *state;
	const struct sig_event *played;

	phones_talk(&l->a, &l->b);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_pin, NULL, l->r->now),
			 REFUSED_NO_COLLECTOR);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_greeting, NULL, l->r->now), 0);
	phone_request(&l->b, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\n");
	rig_run(l->r);
	played = last_of(l->r, SIG_CALL_PLAYED);
	assert_string_equal(event_str(played, EV_REASON), "key");
	assert_string_equal(event_str(played, EV_DIGITS), "");
}

/* With an application nothing until it says so, and both calls are its. */
static void application_has_both(void **state)
{
	static const struct job_id music[MEDIA_CODECS] = {
		[MEDIA_CODEC_PCMA] = { .slot = 5, .generation = 7 },
	};
	struct line *l = *state;

	shard_track_set(l->r->shard, SHARD_TRACK_MUSIC, music);
	phones_talk(&l->a, &l->b);
	assert_int_equal(split_with(l, the_call(l->r), 1, "ivr"), 0);
	assert_int_equal(line_of(l->r, OTHER, 0).source.job.generation, 0);
	restart(l, true);
	assert_int_equal(line_of(l->r, OTHER, 0).source.job.generation, 0);
	ends(l);
	assert_string_equal(last_of(l->r, SIG_CALL_SPLIT)->application, "ivr");
	for (uint32_t i = 0, n = 0; i < l->r->event_count; i++) {
		if (l->r->events[i].kind == SIG_CALL_ENDED && ++n)
			assert_string_equal(l->r->events[i].application, "ivr");
	}
}

static void presses(struct line *l, uint64_t call, char digit)
{
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .id = line_of(l->r, call, 0).id,
				  .call = call,
				  .digit = digit,
				  .duration_ms = 100 };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

/* In the media and by INFO, of either side, over a restart. */
static void keys_of_both(void **state)
{
	struct line *l = *state;
	const char *info = "Content-Type: application/dtmf-relay\r\n";
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	assert_int_equal(split_with(l, call, 1, "ivr"), 0);
	assert_int_equal(shard_call_prompt(l->r->shard, call, &g_pin, NULL, l->r->now), 0);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_pin, NULL, l->r->now), 0);
	rig_run(l->r);
	presses(l, call, '1');
	presses(l, OTHER, '3');
	restart(l, true);
	phone_request(&l->a, "INFO", info, "Signal=2\r\nDuration=160\r\n");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_COLLECTED), EV_DIGITS), "12");
	assert_true(last_of(l->r, SIG_CALL_COLLECTED)->call == call);
	b_asks(l, "INFO", info, "Signal=4\r\nDuration=160\r\n");
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_COLLECTED), EV_DIGITS), "34");
	assert_true(last_of(l->r, SIG_CALL_COLLECTED)->call == OTHER);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_play, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_string_equal(l->r->played, "a.wav");
	ends(l);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_PLAYED), EV_REASON), "hangup");
}

/* What the engine says before it hears of the split is of the other call. */
static void said_before(void **state)
{
	struct line *l = *state;
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT, .duration_ms = 100 };

	phones_talk(&l->a, &l->b);
	ev.call = the_call(l->r);
	assert_int_equal(split_with(l, ev.call, 1, "ivr"), 0);
	assert_int_equal(shard_call_prompt(l->r->shard, OTHER, &g_pin, NULL, l->r->now), 0);
	ev.id = line_of(l->r, OTHER, 0).id;
	for (ev.digit = '7'; ev.digit <= '8'; ev.digit++)
		shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_COLLECTED), EV_DIGITS), "78");
}

/* What one party held of the other, by command: it is told so; the other one was told nothing. */
static void held_by_command(void **state)
{
	struct line *l = *state;
	struct bytes m;
	uint64_t call;

	phones_talk(&l->a, &l->b);
	call = the_call(l->r);
	assert_int_equal(shard_call_hold(l->r->shard, call, 0, NULL, l->r->now), 0);
	rig_run(l->r);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendonly\r\n"));
	assert_int_equal(split_with(l, call, 1, ""), REFUSED_CHANGING);
	phone_answer(&l->b, m, "200 OK", SDP_OF("12", "5000", "2", "recvonly"));
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	assert_int_equal(shard_call_mute(l->r->shard, call, 1, true, NULL, l->r->now), 0);
	rig_run(l->r);
	assert_int_equal(split_with(l, call, 1, ""), 0);
	assert_int_equal(events_of(l->r, SIG_CALL_RESUMED, call), 1);
	assert_int_equal(events_of(l->r, SIG_CALL_UNMUTED, call), 1);
	restart(l, true); /* asked once more, in the same words */
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(bytes_eq(rig_body(m), rig_body(rig_take(l->r, &l->b.addr, "INVITE "))));
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->b, m, "200 OK", SDP_OF("12", "5000", "3", "sendrecv"));
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	assert_alone(l->r, OTHER);
	assert_alone(l->r, call);
	ends(l);
}

static void talk_held(struct line *l)
{
	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "INVITE", "", SDP_OF("11", "4000", "2", "sendonly"));
	phone_answer(&l->b, rig_take(l->r, &l->b.addr, "INVITE "), "200 OK",
		     SDP_OF("12", "5000", "2", "recvonly"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
}

/* Who holds by its own phone goes on to do so; who was held is told otherwise. It may refuse at first (RFC 3261 14.1). */
static void held_by_phone(void **state)
{
	struct line *l = *state;
	struct bytes m;
	uint64_t call;

	talk_held(l);
	call = the_call(l->r);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(rig_count(l->r, &l->a.addr, "INVITE "), 0);
	m = rig_take(l->r, &l->b.addr, "INVITE ");
	assert_true(rig_has(m, "a=sendrecv\r\n"));
	phone_answer(&l->b, m, "491 Request Pending", "");
	rig_wait_ms(l->r, 5000);
	answers(&l->b, SDP_OF("12", "5000", "3", "sendrecv"));
	assert_alone(l->r, OTHER);
	assert_false(line_of(l->r, call, 0).send);
	phone_request(&l->a, "INVITE", "", SDP_OF("11", "4000", "3", "sendrecv"));
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_alone(l->r, call);
	ends(l);
}

/* Each may hold, resume and be asked for an offer by its own phone. */
static void they_ask(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	assert_int_equal(split(l, 1), 0);
	b_asks(l, "INVITE", "", SDP_OF("12", "5000", "2", "sendonly"));
	assert_true(rig_has(phone_hears(&l->b, "SIP/2.0 200"), "a=recvonly\r\n"));
	phone_ack(&l->b);
	assert_false(line_of(l->r, OTHER, 0).send);
	restart(l, true);
	assert_false(line_of(l->r, OTHER, 0).send);
	b_asks(l, "UPDATE", "", SDP_OF("12", "5000", "3", "sendrecv"));
	assert_true(rig_has(phone_hears(&l->b, "SIP/2.0 200"), "a=sendrecv\r\n"));
	assert_alone(l->r, OTHER);
	b_asks(l, "INVITE", "", "");
	assert_true(rig_has(phone_hears(&l->b, "SIP/2.0 200"), "a=sendrecv\r\n"));
	phone_ack_with(&l->b, SDP_OF("12", "5000", "4", "sendonly"));
	assert_false(line_of(l->r, OTHER, 0).send);
	b_asks(l, "REFER", "Refer-To: <sip:1003@test.local>\r\n", "");
	assert_true(phone_hears(&l->b, "SIP/2.0 403").n);
	ends(l);
}

/* The picture goes on to nobody, on the port that it had, and is there for whom it will speak with. */
static void with_video(void **state)
{
	struct line *l = *state;
	struct bytes m;
	uint64_t call;

	phone_invite(&l->a, "1002", SDP_VIDEO("11", "40"));
	(void)phone_rings(&l->b);
	phone_answer(&l->b, l->b.invite, "200 OK", SDP_VIDEO("12", "50"));
	(void)phone_hears(&l->a, "SIP/2.0 200");
	phone_ack(&l->a);
	call = the_call(l->r);
	assert_int_equal(line_of(l->r, call, 1).kind, MEDIA_VIDEO);
	assert_int_equal(split(l, 1), 0);
	for (uint8_t line = 0; line < 2; line++) {
		assert_true(line_of(l->r, call, line).alone && line_of(l->r, call, line).receive);
		assert_int_equal(line_of(l->r, OTHER, line).peer.generation, 0);
	}
	restart(l, true);
	assert_int_equal(rig_counts(l->r).calls_established, 2);
	phone_request(&l->a, "INVITE", "", SDP_VIDEO("11", "40"));
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(m.n && !rig_has(m, "m=video 0 "));
	phone_ack(&l->a);
	restart(l, true);
	ends(l);
}

/* ---- trouble ---- */

static void without_the_store(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	l->r->fail_saves = true;
	shard_degraded(l->r->shard, true, l->r->now);
	assert_int_equal(split(l, 1), 0);
	assert_int_equal(l->r->order_count, 1);
	assert_false(l->r->order.saved);
	assert_alone(l->r, the_call(l->r));
	assert_alone(l->r, OTHER);
	l->r->fail_saves = false;
	shard_degraded(l->r->shard, false, l->r->now);
	rig_run(l->r);
	restart(l, true);
	assert_int_equal(rig_counts(l->r).calls_established, 2);
	ends(l);
}

/* A did not hear that its REFER was taken, and is in another call since: the answer is in no record of that one, and none waits for it. */
static void refer_comes_again(void **state)
{
	static const char nobody[] = "Refer-To: <sip:1009@test.local>\r\n";
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	phone_request(&l->a, "REFER", nobody, "");
	assert_true(phone_hears(&l->a, "SIP/2.0 202").n);
	while (rig_take(l->r, &l->a.addr, "NOTIFY ").n)
		phone_answer(&l->a, rig_find(l->r, &l->a.addr, "NOTIFY "), "200 OK", "");
	assert_int_equal(split(l, 0), 0);
	l->r->hold_saves = true;
	phone_write(&l->a, "REFER", nobody, "");
	assert_true(phone_hears(&l->a, "SIP/2.0 202").n);
	assert_int_equal(rig_take(l->r, &l->a.addr, "NOTIFY ").n, 0);
	l->r->hold_saves = false;
	ends(l);
}

/* Nothing stays of them: no call, port or dialog. */
static void many(void **state)
{
	const char *times = getenv("TANDEM_SPLITS");
	uint32_t n = times ? (uint32_t)atoi(times) : 50;
	struct line *l = *state;

	l->r->rolling = true;
	while (n--) {
		phones_talk(&l->a, &l->b);
		assert_int_equal(split(l, n & 1), 0);
		phone_request(&l->a, "BYE", "", "");
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		b_asks(l, "BYE", "", "");
		assert_true(phone_hears(&l->b, "SIP/2.0 200").n);
		rig_wait_ms(l->r, 3000);
		assert_int_equal(rig_counts(l->r).calls, 0);
		assert_int_equal(rig_counts(l->r).ports_free, 100);
	}
	line_assert_idle(l->r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(two_calls),
		LINE_TEST(caller_goes),
		LINE_TEST(is_saved),
		LINE_TEST(killed_before_and_behind),
		LINE_TEST(once),
		LINE_TEST(is_refused),
		LINE_TEST(is_full),
		LINE_TEST(music_until_something_is_played),
		LINE_TEST(no_keys_without_an_application),
		LINE_TEST(application_has_both),
		LINE_TEST(keys_of_both),
		LINE_TEST(said_before),
		LINE_TEST(held_by_command),
		LINE_TEST(held_by_phone),
		LINE_TEST(they_ask),
		LINE_TEST(with_video),
		LINE_TEST(without_the_store),
		LINE_TEST(refer_comes_again),
		LINE_TEST(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
