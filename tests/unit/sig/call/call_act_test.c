/* SPDX-License-Identifier: Apache-2.0 */
/* What an application asks for with a caller that the node has answered. */

#include "sig/call/prompts.h"
#include "sig/shard/shard_state.h"
#include "tests/unit/sig/application.h"

static int act_by(struct line *l, struct prompt_terms terms, uint64_t id)
{
	struct shard_order by = { .id = id, .ticket = id };
	int err = shard_call_prompt(l->r->shard, application_call(l->r), &terms, &by, l->r->now);

	rig_run(l->r);
	return err;
}

static void told(struct line *l, enum prompt_reply_kind kind)
{
	const struct prompt_reply new_state = { .kind = kind,
						.serial = l->r->play,
						.job = { .slot = 600, .generation = 7 },
						.codec = l->r->play_codec,
						.why = kind == PROMPT_REPLY_FAILED ? "no such file"
										   : NULL };

	rig_reply(l->r, (struct reply){
				.ask = ASK_PLAY, .of = application_call(l->r), .play = new_state });
	rig_run(l->r);
}

static void key(struct line *l, char digit)
{
	struct flow_spec s = line_last_spec(l->r, 0);
	struct media_event ev = { .kind = MEDIA_FLOW_DIGIT,
				  .id = s.id,
				  .call = application_call(l->r),
				  .digit = digit,
				  .duration_ms = 100 };

	shard_media_event(l->r->shard, &ev, l->r->now);
	rig_run(l->r);
}

static const struct sig_event *last_of(const struct rig *r, enum sig_event_kind kind)
{
	for (uint32_t i = r->event_count; i-- > 0;) {
		if (r->events[i].kind == kind)
			return &r->events[i];
	}
	return NULL;
}

static void assert_over(const struct line *l, enum sig_event_kind kind, uint32_t order,
			const char *reason, const char *digits)
{
	const struct sig_event *e = last_of(l->r, kind);

	if (!e) {
		fail_msg("nothing was told");
		return;
	}
	assert_string_equal(e->application, "ivr");
	assert_int_equal(event_number(e, EV_ORDER), order);
	assert_string_equal(event_str(e, EV_REASON), reason);
	assert_string_equal(event_str(e, EV_DIGITS), digits);
}

/* NULL: nothing is said of one. */
static void assert_cause(const struct line *l, const char *cause)
{
	const struct sig_event *e = last_of(l->r, SIG_CALL_COLLECTED);

	assert_non_null(e);
	assert_string_equal(event_str(e, EV_CAUSE), cause ? cause : "");
}

static const struct prompt_terms g_two = { .files = { "a.wav", "b.wav" },
					   .file_count = 2,
					   .times = 2 };
static const struct prompt_terms g_pin = { .files = { "pin.wav" },
					   .file_count = 1,
					   .times = 1,
					   .interruptible = true,
					   .min = 4,
					   .max = 6,
					   .first_ms = 5000,
					   .inter_ms = 2000,
					   .ends = "#" };

static void plays_files(void **state)
{
	static const char *const want[] = { "a.wav", "b.wav", "a.wav", "b.wav" };
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(l->r->play_count, i + 1);
		assert_string_equal(l->r->played, want[i]);
		assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
		told(l, PROMPT_REPLY_OPEN);
		assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 600);
		key(l, '5'); /* it is not to be interrupted */
		told(l, PROMPT_REPLY_ENDED);
	}
	assert_int_equal(l->r->play_count, COUNT_OF(want));
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	assert_over(l, SIG_CALL_PLAYED, 1, "end", "");
}

static void play_is_replaced_and_stopped(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	assert_int_equal(act_by(l, g_two, 1), 0); /* the same again */
	assert_int_equal(l->r->play_count, 1);
	assert_int_equal(act_by(l, g_two, 2), 0);
	assert_over(l, SIG_CALL_PLAYED, 1, "stopped", "");
	assert_int_equal(l->r->play_stops, 1);
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(act_by(l, (struct prompt_terms){ 0 }, 3), 0);
	assert_over(l, SIG_CALL_PLAYED, 2, "stopped", "");
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	assert_int_equal(act_by(l, g_two, 4), 0);
	told(l, PROMPT_REPLY_FAILED);
	assert_over(l, SIG_CALL_PLAYED, 4, "failed", "");
}

/* ---- pause, places ---- */

static int control(struct line *l, enum prompt_control what, uint32_t ms)
{
	struct call_order order = { .kind = ORDER_CONTROL, .control = (uint8_t)what, .ms = ms };
	int err = shard_call_order(l->r->shard, application_call(l->r), &order, l->r->now);

	rig_run(l->r);
	return err;
}

static void assert_plays(const struct line *l, const char *file, uint32_t place_ms, bool paused)
{
	struct call_play play;

	if (!shard_call_play(l->r->shard, application_call(l->r), l->r->now, &play)) {
		fail_msg("nothing is played");
		return;
	}
	assert_string_equal(play.file, file);
	assert_in_range(play.place_ms, place_ms, place_ms + 5);
	assert_int_equal(play.paused, paused);
}

/* CALL-02: what was skipped does not count, and what was heard twice does. */
static void assert_played(const struct line *l, uint32_t ms)
{
	struct call_play play = { 0 };

	assert_true(shard_call_play(l->r->shard, application_call(l->r), l->r->now, &play));
	assert_in_range(play.played_ms, ms, ms + 20);
}

static void pauses_and_goes_on(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), REFUSED_NOTHING_PLAYED);
	assert_int_equal(act_by(l, g_two, 1), 0);
	assert_plays(l, "a.wav", 0, false);
	rig_wait_ms(l->r, 500); /* it is read */
	assert_plays(l, "a.wav", 0, false);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 3000);
	assert_int_equal(control(l, PROMPT_PLACE, 0), 0);
	assert_plays(l, "a.wav", 3000, false);
	assert_int_equal(l->r->play_count, 1);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	assert_int_equal(l->r->play_stops, 1);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	rig_wait_ms(l->r, 60000);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	told(l, PROMPT_REPLY_ENDED); /* of what was stopped, too late */
	assert_plays(l, "a.wav", 3000, true);
	assert_played(l, 3000);
	assert_int_equal(control(l, PROMPT_RESUME, 0), 0);
	assert_int_equal(l->r->play_count, 2);
	assert_in_range(l->r->play_ms, 3000, 3005);
	told(l, PROMPT_REPLY_OPEN);
	told(l, PROMPT_REPLY_ENDED);
	assert_string_equal(l->r->played, "b.wav");
	assert_int_equal(l->r->play_ms, 0);
	assert_plays(l, "b.wav", 0, false);
	assert_played(l, 0);
}

static void goes_to_a_place(void **state)
{
	struct prompt_terms echo = { .files = { "echo" }, .file_count = 1, .times = 1 };
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 5000);
	assert_int_equal(control(l, PROMPT_SKIP_BACK, 2000), 0);
	assert_in_range(l->r->play_ms, 3000, 3005);
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(control(l, PROMPT_SKIP_FORWARD, 10000), 0);
	assert_in_range(l->r->play_ms, 13000, 13010);
	assert_int_equal(control(l, PROMPT_SKIP_BACK, 20000), 0);
	assert_int_equal(l->r->play_ms, 0);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	assert_int_equal(control(l, PROMPT_SEEK, 7000), 0); /* it stays paused */
	assert_plays(l, "a.wav", 7000, true);
	assert_played(l, 5000);
	assert_int_equal(l->r->play_count, 4);
	assert_int_equal(control(l, PROMPT_RESUME, 0), 0);
	assert_int_equal(l->r->play_ms, 7000);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 1000);
	assert_played(l, 6000);
	assert_int_equal(act_by(l, echo, 2), 0);
	assert_int_equal(control(l, PROMPT_SKIP_BACK, 1), REFUSED_NO_POSITION);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	assert_int_equal(line_last_spec(l->r, 0).peer.generation, 0);
}

/* A key ends what is paused. */
static void keys_while_it_is_paused(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_pin, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	rig_wait_ms(l->r, 60000);
	key(l, '1');
	assert_int_equal(control(l, PROMPT_RESUME, 0), REFUSED_NOTHING_PLAYED);
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "1");
}

/* About there: what was heard just before the end of a process comes again. */
static void places_after_a_restart(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 8000);
	application_restart(l);
	assert_in_range(l->r->play_ms, 6000, 6200);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 1000);
	application_restart(l); /* never before where that one began */
	assert_in_range(l->r->play_ms, 6000, 6200);
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(control(l, PROMPT_PAUSE, 0), 0);
	application_restart(l);
	assert_plays(l, "a.wav", 6000, true);
	assert_int_equal(control(l, PROMPT_RESUME, 0), 0);
	assert_in_range(l->r->play_ms, 6000, 6200);
}

/* What waited for octets that had not arrived is not where time says. */
static void places_of_what_waits(void **state)
{
	struct prompt_reply new_state = { .kind = PROMPT_REPLY_PLACE, .ms = 1000 };
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 1100);
	new_state.serial = l->r->play;
	rig_reply(l->r, (struct reply){
				.ask = ASK_PLAY, .of = application_call(l->r), .play = new_state });
	rig_run(l->r);
	assert_plays(l, "a.wav", 1100, false); /* it is on its way */
	rig_wait_ms(l->r, 6900);
	new_state.ms = 3000;
	rig_reply(l->r, (struct reply){
				.ask = ASK_PLAY, .of = application_call(l->r), .play = new_state });
	rig_run(l->r);
	assert_plays(l, "a.wav", 3000, false);
	assert_played(l, 3000);
	rig_wait_ms(l->r, 4000);
	assert_played(l, 7000);
	application_restart(l);
	assert_in_range(l->r->play_ms, 5000, 5200);
}

/* ---- prompts ---- */

static void language_of_prompts(void **state)
{
	const struct prompt_terms terms = { .files = { "prompt:parked", "digits:41" },
					    .file_count = 2,
					    .times = 1 };
	struct tenant_settings set = { .name = TENANT_DEFAULT_NAME, .terms.language = "de" };
	struct shard_extension e = rig_extension("1001", false);
	struct line *l = *state;
	uint16_t number;

	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	assert_string_equal(l->r->played, "prompt:parked");
	assert_string_equal(l->r->play_language, "");
	assert_int_equal(tenants_put(l->r->shard->settings.tenants, &set, &number), 0);
	told(l, PROMPT_REPLY_ENDED);
	assert_string_equal(l->r->played, "digits:41");
	assert_string_equal(l->r->play_language, "de");
	(void)bytes_cstr(BYTES_LIT("fr"), e.language, sizeof(e.language));
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	assert_int_equal(act_by(l, terms, 2), 0);
	assert_string_equal(l->r->play_language, "fr");
}

/* A prompt that the call has begun is the same over a restart and when it is said again; another file is another one. */
static void prompts_are_pinned(void **state)
{
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	const struct prompt_terms endless = { .files = { "prompt:parked" }, .file_count = 1 };
	const struct prompt_terms two = { .files = { "prompt:parked", "prompt:closed" },
					  .file_count = 2,
					  .times = 1 };
	struct prompt_reply new_state = { .kind = PROMPT_REPLY_OPEN,
					  .job = { .slot = 600, .generation = 7 },
					  .pinned = HASH };
	struct line *l = *state;

	application_answered(l);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(act_by(l, i ? two : endless, i + 1), 0);
		assert_string_equal(l->r->played, "prompt:parked");
		new_state.serial = l->r->play;
		new_state.codec = l->r->play_codec;
		rig_reply(l->r, (struct reply){ .ask = ASK_PLAY,
						.of = application_call(l->r),
						.play = new_state });
		rig_run(l->r);
		application_restart(l);
		assert_string_equal(l->r->played, "prompt:parked@" HASH);
		told(l, PROMPT_REPLY_ENDED);
		assert_string_equal(l->r->played, i ? "prompt:closed" : "prompt:parked@" HASH);
	}
#undef HASH
}

static void key_ends_a_play(void **state)
{
	struct prompt_terms terms = g_two;
	struct line *l = *state;

	application_answered(l);
	terms.interruptible = true;
	assert_int_equal(act_by(l, terms, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	key(l, '7');
	assert_over(l, SIG_CALL_PLAYED, 1, "key", "7");
	assert_int_equal(l->r->play_stops, 1);
}

static void collects(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_pin, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	key(l, '1'); /* ends what is played, and counts */
	assert_int_equal(l->r->play_stops, 1);
	assert_int_equal(line_last_spec(l->r, 0).source.job.generation, 0);
	phone_request(&l->a, "INFO", "Content-Type: application/dtmf-relay\r\n",
		      "Signal=2\r\nDuration=160\r\n");
	rig_run(l->r);
	key(l, '3');
	key(l, '4');
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	key(l, '#');
	assert_over(l, SIG_CALL_COLLECTED, 1, "terminator", "1234");
	assert_cause(l, NULL);
	assert_null(last_of(l->r, SIG_CALL_DIGIT)); /* nobody else hears of keys */
	assert_int_equal(act_by(l, g_pin, 2), 0);
	told(l, PROMPT_REPLY_FAILED); /* a file that is not there */
	for (const char *k = "123456"; *k; k++)
		key(l, *k);
	assert_over(l, SIG_CALL_COLLECTED, 2, "max", "123456");
	assert_cause(l, "no such file");
}

static void keys_do_not_come(void **state)
{
	struct prompt_terms terms = g_pin;
	struct line *l = *state;

	application_answered(l);
	terms.file_count = 0;
	assert_int_equal(act_by(l, terms, 1), 0);
	rig_wait_ms(l->r, 4900);
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	rig_wait_ms(l->r, 200);
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "");
	assert_int_equal(act_by(l, terms, 2), 0);
	for (const char *k = "1234"; *k; k++) {
		rig_wait_ms(l->r, 1900);
		key(l, *k);
	}
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 2, "timeout", "1234");
}

/* ---- tags, and once more ---- */

static void assert_data(const struct line *l, const char *want)
{
	struct call_facts facts;

	assert_true(shard_call_facts(l->r->shard, application_call(l->r), &facts));
	assert_string_equal(facts.data, want);
}

static struct prompt_terms tagged(const char *tag)
{
	struct prompt_terms terms = g_pin;

	terms.file_count = 0;
	(void)bytes_cstr(bytes_str(tag), terms.tag, sizeof(terms.tag));
	return terms;
}

/* It is the call's from then on, over a restart, in events and in its record; what was too short never is. */
static void keeps_what_has_a_tag(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, tagged("Case.CaseNumber"), 1), 0);
	for (const char *k = "1234#"; *k; k++)
		key(l, *k);
	assert_over(l, SIG_CALL_COLLECTED, 1, "terminator", "1234");
	assert_string_equal(event_str(last_of(l->r, SIG_CALL_COLLECTED), EV_FACT_data),
			    "Case.CaseNumber=1234");
	assert_data(l, "Case.CaseNumber=1234");
	application_restart(l);
	assert_data(l, "Case.CaseNumber=1234");
	assert_int_equal(act_by(l, tagged("Contract.ContractNumber"), 2), 0);
	key(l, '1');
	key(l, '#');
	assert_over(l, SIG_CALL_COLLECTED, 2, "short", "1");
	assert_data(l, "Case.CaseNumber=1234");
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
	assert_string_equal(l->r->cdrs[l->r->cdr_count - 1].facts.data, "Case.CaseNumber=1234");
}

/* Three digits of four: the file again, for so often; and over a restart. */
static void asks_once_more(void **state)
{
	struct prompt_terms terms = g_pin;
	struct line *l = *state;

	application_answered(l);
	terms.tries = 3;
	assert_int_equal(act_by(l, terms, 1), 0);
	told(l, PROMPT_REPLY_ENDED);
	for (const char *k = "123#"; *k; k++)
		key(l, *k);
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	assert_int_equal(l->r->play_count, 2);
	assert_string_equal(l->r->played, "pin.wav");
	application_restart(l);
	told(l, PROMPT_REPLY_ENDED);
	rig_wait_ms(l->r, 5100); /* nothing comes */
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	assert_int_equal(l->r->play_count, 4);
	key(l, '1');
	key(l, '2');
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "12");
	assert_cause(l, "fewer digits than min, and no tries are left");
	assert_int_equal(act_by(l, terms, 2), 0);
	key(l, '#');
	for (const char *k = "4321#"; *k; k++)
		key(l, *k);
	assert_over(l, SIG_CALL_COLLECTED, 2, "terminator", "4321");
}

static bool is_its_own_peer(const struct line *l)
{
	struct flow_spec s = line_last_spec(l->r, 0);

	return flow_id_eq(s.peer, s.id) && s.source.job.generation == 0;
}

/* Behind a file, and until it is stopped; also in the next process. What it sends is what it gets. */
static void hears_itself(void **state)
{
	const struct prompt_terms terms = { .files = { "a.wav", "echo" },
					    .file_count = 2,
					    .times = 1 };
	struct line *l = *state;
	struct flow_spec s;

	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	assert_false(is_its_own_peer(l));
	told(l, PROMPT_REPLY_ENDED);
	assert_true(is_its_own_peer(l));
	s = line_last_spec(l->r, 0);
	assert_true(s.receive && s.send && s.rule_count > 0);
	for (uint8_t i = 0; i < s.rule_count; i++)
		assert_int_equal(s.rules[i].out, s.rules[i].in);
	assert_int_equal(l->r->play_count, 1);
	key(l, '5');
	application_restart(l);
	assert_true(is_its_own_peer(l));
	assert_int_equal(l->r->play_count, 1);
	assert_int_equal(act_by(l, (struct prompt_terms){ 0 }, 2), 0);
	assert_over(l, SIG_CALL_PLAYED, 1, "stopped", "");
	assert_int_equal(line_last_spec(l->r, 0).peer.generation, 0);
}

static void a_key_ends_an_echo(void **state)
{
	const struct prompt_terms terms = {
		.files = { "echo" }, .file_count = 1, .times = 1, .interruptible = true
	};
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	assert_true(is_its_own_peer(l));
	key(l, '7');
	assert_over(l, SIG_CALL_PLAYED, 1, "key", "7");
	assert_int_equal(line_last_spec(l->r, 0).peer.generation, 0);
	assert_int_equal(l->r->play_stops, 0);
}

/* ---- a tone ---- */

static const struct prompt_terms g_dial = { .files = { "tone-dial" },
					    .file_count = 1,
					    .times = 1,
					    .interruptible = true,
					    .min = 2,
					    .max = 3,
					    .first_ms = 5000,
					    .inter_ms = 2000,
					    .ends = "#" };

/* Behind a file, until the first key. */
static void dials(void **state)
{
	struct prompt_terms terms = g_dial;
	struct line *l = *state;

	put_tones(l->r, true);
	application_answered(l);
	strcpy(terms.files[0], "a.wav");
	strcpy(terms.files[terms.file_count++], "tone-dial");
	assert_int_equal(act_by(l, terms, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	rig_wait_ms(l->r, 6000);
	told(l, PROMPT_REPLY_ENDED);
	assert_hears(l, 70);
	rig_wait_ms(l->r, 4900);
	assert_hears(l, 70);
	key(l, '1');
	assert_hears(l, 0);
	rig_wait_ms(l->r, 1900);
	key(l, '2');
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 1, "timeout", "12");
}

/* What is heard goes on in the codec's new number, and ends where the party takes that codec no longer. */
static void codec_has_another_number(void **state)
{
	static const char *const sdp[] = { "97\r\na=rtpmap:97 PCMA/8000", "0" };
	struct line *l = *state;
	char text[256];

	put_tones(l->r, true);
	application_answered(l);
	assert_int_equal(act_by(l, g_dial, 1), 0);
	assert_hears(l, 70);
	assert_int_equal(line_last_spec(l->r, 0).source.payload_type, 8);
	for (size_t i = 0; i < COUNT_OF(sdp); i++) {
		(void)snprintf(text, sizeof(text),
			       "v=0\r\no=a 1 %u IN IP4 192.0.2.11\r\ns=-\r\nc=IN IP4 192.0.2.11\r\n"
			       "t=0 0\r\nm=audio 4000 RTP/AVP %s\r\n",
			       (unsigned)i + 2, sdp[i]);
		phone_request(&l->a, "INVITE", "", text);
		rig_run(l->r);
		assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
		phone_ack(&l->a);
		rig_run(l->r);
		assert_hears(l, i ? 0 : 70);
		assert_int_equal(line_last_spec(l->r, 0).source.payload_type, i ? 0 : 97);
	}
}

/* MED-04: behind the access code, over a kill; behind no other digits, nor for longer than the next one is waited for. */
static void second_dial_tone(void **state)
{
	struct prompt_terms terms = g_dial;
	struct line *l = *state;

	put_tones(l->r, true);
	application_answered(l);
	strcpy(terms.tone_behind, "81");
	terms.max = 5;
	assert_int_equal(act_by(l, terms, 1), 0);
	assert_hears(l, 70);
	key(l, '8');
	assert_hears(l, 0);
	key(l, '1');
	assert_hears(l, 70);
	rig_wait_ms(l->r, 1500);
	application_restart(l);
	put_tones(l->r, true);
	assert_hears(l, 70);
	key(l, '8');
	assert_hears(l, 0);
	key(l, '1');
	assert_hears(l, 0);
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 1, "timeout", "8181");
	assert_int_equal(act_by(l, terms, 2), 0);
	key(l, '8');
	key(l, '1');
	assert_hears(l, 70);
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 2, "timeout", "81");
	assert_hears(l, 0);
}

/* It is over as silence would be; a kill makes it no longer. */
static void nobody_dials(void **state)
{
	struct line *l = *state;

	put_tones(l->r, true);
	application_answered(l);
	assert_int_equal(act_by(l, g_dial, 1), 0);
	rig_wait_ms(l->r, 3000);
	application_restart(l);
	put_tones(l->r, true);
	assert_hears(l, 70);
	rig_wait_ms(l->r, 1900);
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	rig_wait_ms(l->r, 200);
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "");
	assert_hears(l, 0);
}

/* It has no end by itself, either. */
static void nobody_keys_beside_an_echo(void **state)
{
	struct prompt_terms terms = g_dial;
	struct line *l = *state;

	application_answered(l);
	strcpy(terms.files[0], "echo-2000");
	assert_int_equal(act_by(l, terms, 1), 0);
	assert_string_equal(l->r->played, "echo-2000");
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 600);
	rig_wait_ms(l->r, 4900);
	assert_null(last_of(l->r, SIG_CALL_COLLECTED));
	rig_wait_ms(l->r, 200);
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "");
	assert_int_equal(l->r->play_stops, 1);
}

/* The keys are waited for all the same. */
static void dials_without_tones(void **state)
{
	struct line *l = *state;

	put_tones(l->r, false);
	application_answered(l);
	assert_int_equal(act_by(l, g_dial, 1), 0);
	assert_hears(l, 0);
	key(l, '1');
	key(l, '#');
	assert_over(l, SIG_CALL_COLLECTED, 1, "short", "1");
}

/* As long as it likes. */
static void plays_a_tone(void **state)
{
	struct prompt_terms terms = { .files = { "tone-busy" }, .file_count = 1, .times = 1 };
	struct line *l = *state;

	put_tones(l->r, true);
	application_answered(l);
	assert_int_equal(act_by(l, terms, 1), 0);
	rig_wait_ms(l->r, 60000);
	assert_hears(l, 71);
	assert_int_equal(act_by(l, (struct prompt_terms){ 0 }, 2), 0);
	assert_over(l, SIG_CALL_PLAYED, 1, "stopped", "");
	strcpy(terms.files[0], "tone-none");
	assert_int_equal(act_by(l, terms, 3), 0);
	assert_string_equal(l->r->played, "tone-none"); /* a file */
	assert_hears(l, 0);
}

static void caller_hangs_up(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_pin, 1), 0);
	key(l, '9');
	phone_request(&l->a, "BYE", "", "");
	rig_run(l->r);
	assert_over(l, SIG_CALL_COLLECTED, 1, "hangup", "9");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

static void go_on_after_a_restart(void **state)
{
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, g_two, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	told(l, PROMPT_REPLY_ENDED);
	application_restart(l);
	assert_int_equal(l->r->play_count, 3);
	assert_string_equal(l->r->played, "b.wav");
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 600);
	assert_int_equal(act_by(l, g_pin, 2), 0);
	key(l, '1');
	key(l, '2');
	application_restart(l);
	key(l, '3');
	key(l, '4');
	application_restart(l);
	rig_wait_ms(l->r, 2100);
	assert_over(l, SIG_CALL_COLLECTED, 2, "timeout", "1234");
	assert_int_equal(act_by(l, g_pin, 2), 0); /* given again: it was carried out */
	assert_int_equal(l->r->order.number, 2);
}

static void keys_are_sealed(void **state)
{
	struct line *l = *state;
	const struct text *record;

	application_answered(l);
	assert_int_equal(act_by(l, g_pin, 1), 0);
	record = &l->r->saves[l->r->save_count - 1].record;
	assert_non_null(memmem(record->p, record->n, "pin.wav", 7));
	key(l, '1');
	record = &l->r->saves[l->r->save_count - 1].record;
	assert_null(memmem(record->p, record->n, "pin.wav", 7));
}

/* Its keys are for the application alone that hears it, and do not end anything. */
static void is_with_an_application(void **state)
{
	static const struct prompt_terms live = { .files = { "a.wav", "live-bot" },
						  .file_count = 2,
						  .times = 1 };
	struct line *l = *state;

	application_answered(l);
	assert_int_equal(act_by(l, live, 1), 0);
	told(l, PROMPT_REPLY_OPEN);
	key(l, '1');
	assert_int_equal(l->r->play_key, 0);
	told(l, PROMPT_REPLY_ENDED);
	assert_string_equal(l->r->played, "live-bot");
	assert_false(l->r->play_resumed);
	told(l, PROMPT_REPLY_OPEN);
	assert_int_equal(line_last_spec(l->r, 0).source.job.slot, 600);
	key(l, '2');
	assert_int_equal(l->r->play_key, '2');
	application_restart(l);
	assert_string_equal(l->r->played, "live-bot");
	assert_true(l->r->play_resumed);
	told(l, PROMPT_REPLY_OPEN);
	key(l, '3');
	assert_int_equal(l->r->play_key, '3');
	told(l, PROMPT_REPLY_FAILED);
	assert_over(l, SIG_CALL_PLAYED, 1, "failed", "");
}

static void not_for_two_parties(void **state)
{
	struct line *l = *state;

	phones_talk(&l->a, &l->b);
	assert_int_equal(act_by(l, g_two, 1), REFUSED_NOT_ALONE);
	assert_int_equal(l->r->play_count, 0);
}

#define ACT_TEST(fn) cmocka_unit_test_setup_teardown(fn, application_setup, line_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ACT_TEST(is_with_an_application),
		ACT_TEST(plays_files),
		ACT_TEST(play_is_replaced_and_stopped),
		ACT_TEST(key_ends_a_play),
		ACT_TEST(collects),
		ACT_TEST(keys_do_not_come),
		ACT_TEST(caller_hangs_up),
		ACT_TEST(go_on_after_a_restart),
		ACT_TEST(keys_are_sealed),
		ACT_TEST(not_for_two_parties),
		ACT_TEST(hears_itself),
		ACT_TEST(a_key_ends_an_echo),
		ACT_TEST(dials),
		ACT_TEST(second_dial_tone),
		ACT_TEST(codec_has_another_number),
		ACT_TEST(nobody_dials),
		ACT_TEST(dials_without_tones),
		ACT_TEST(plays_a_tone),
		ACT_TEST(nobody_keys_beside_an_echo),
		ACT_TEST(pauses_and_goes_on),
		ACT_TEST(goes_to_a_place),
		ACT_TEST(keys_while_it_is_paused),
		ACT_TEST(places_after_a_restart),
		ACT_TEST(places_of_what_waits),
		ACT_TEST(language_of_prompts),
		ACT_TEST(prompts_are_pinned),
		ACT_TEST(keeps_what_has_a_tag),
		ACT_TEST(asks_once_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
