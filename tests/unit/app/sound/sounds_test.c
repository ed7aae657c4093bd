/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files of tenants, read by the helper thread and shared. Run under TSan too. */
#include "app/settings/settings.h"
#include "app/sound/sound_prompt.h"
#include "base/log.h"
#include "dsp/codec/encoder.h"
#include "tests/unit/app/sound/scene.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/ogg_make.h"

static void a_file_is_read_once(void **state)
{
	struct scene *s = scene_open(4, 1 << 20);
	struct media_sound *one, *same, *wide;
	struct sound_fault fault;

	(void)state;
	wav_put(s, "hold.wav", LENGTH, -400);
	assert_int_equal(get(s, "hold.wav", RATE, &one, &fault), SOUNDS_LATER);
	one = here(s, "hold.wav", RATE);
	assert_int_equal(one->length, LENGTH);
	for (int i = 0; i < LENGTH; i++)
		assert_int_equal(one->samples[i], i - 400);
	assert_int_equal(get(s, "hold.wav", RATE, &same, &fault), SOUNDS_HERE);
	assert_ptr_equal(same, one);
	assert_int_equal(one->references, 3);
	wide = here(s, "hold.wav", 2 * RATE);
	assert_int_equal(wide->length, 2 * LENGTH);
	media_sound_unref(one);
	media_sound_unref(same);
	scene_close(s);
	assert_int_equal(wide->references, 1); /* who has it keeps it */
	media_sound_unref(wide);
}

static void what_cannot_be_used(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct media_sound *sound;
	struct sound_fault fault;
	uint8_t *w;
	size_t n;
	char path[160];

	(void)state;
	is_none(s, "nothing.wav", "no such file");
	file_put(s, "empty.wav", "", 0);
	is_none(s, "empty.wav", "empty");
	path_of(s, path, "acme", "folder.wav");
	assert_int_equal(mkdir(path, 0700), 0);
	is_none(s, "folder.wav", "not a plain file");
	path_of(s, path, "acme", "link.wav");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	is_none(s, "link.wav", "cannot be opened");
	path_of(s, path, "acme", "pipe.wav");
	assert_int_equal(mkfifo(path, 0600), 0);
	is_none(s, "pipe.wav", "not a plain file");
	file_put(s, "large.wav", "RIFF", 4);
	path_of(s, path, "acme", "large.wav");
	assert_int_equal(truncate(path, SOUND_FILE_MAX + 1), 0);
	is_none(s, "large.wav", "longer than 64 MiB");
	wav_put(s, "long.wav", RATE * SOUND_SECONDS_MAX + 1, 0);
	is_none(s, "long.wav", "longer than 10 minutes");
	/* cut: where and why */
	w = wav_make(LENGTH, 0, &n);
	file_put(s, "cut.wav", w, n - 1);
	free(w);
	assert_int_equal(get_wait(s, "cut.wav", RATE, &sound, &fault), SOUNDS_NONE);
	assert_non_null(fault.reason);
	assert_in_range(fault.at, 36, n);
	scene_close(s);
}

/* ---- Opus in Ogg ---- */

enum { HERTZ = 600, PACKETS = 50, OPUS_FRAME = OGG_RATE / 50, SKIP = 312, OPUS_MAX = 1 << 14 };

/* A second of a sine; bad: so many packets are good, then comes one that only a decoder refuses. */
static struct bytes opus_make(uint8_t out[OPUS_MAX], int16_t gain, uint32_t good)
{
	/* two frames of SILK of lengths that are said; the first is longer than what there is */
	static const uint8_t BAD[] = { 0x02, 200, 1, 2 };
	struct writer w = writer_over(out, OPUS_MAX);
	static int16_t pcm[OGG_RATE];
	struct encoder *e;
	uint8_t octets[400];

	memset(pcm, 0, sizeof(pcm));
	measure_add_sine(pcm, OGG_RATE, OGG_RATE, HERTZ, 8000);
	assert_int_equal(
		encoder_open(&e, &(struct encoder_settings){ .codec = "opus", .rate = OGG_RATE }),
		0);
	ogg_put_heads(&w, 1, SKIP, gain);
	for (uint32_t i = 0; i < PACKETS; i++) {
		int n = encoder_frame(e, pcm + (size_t)OPUS_FRAME * i, OPUS_FRAME, octets,
				      sizeof(octets));

		assert_true(n > 0);
		ogg_put_page(&w, i + 1 == PACKETS ? OGG_LAST : 0, (uint64_t)OPUS_FRAME * (i + 1),
			     2 + i, i < good ? bytes_mem(octets, (size_t)n) : bytes_mem(BAD, 4),
			     true);
	}
	encoder_close(e);
	assert_false(w.overflow);
	return writer_done(&w);
}

static void opus_put(const struct scene *s, const char *file, int16_t gain)
{
	static uint8_t octets[OPUS_MAX];
	struct bytes b = opus_make(octets, gain, PACKETS);

	file_put(s, file, b.p, b.n);
}

/* As long as the file says, as loud as it was, at each rate. */
static void opus_is_decoded(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };
	struct scene *s = scene_open(8, 1 << 20);
	struct media_sound *sound;

	(void)state;
	opus_put(s, "hold.opus", 0);
	opus_put(s, "soft.opus", -6 * 256);
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		uint32_t rate = rates[i];

		sound = here(s, "hold.opus", rate);
		assert_int_equal(sound->length, rate - SKIP / (OGG_RATE / rate));
		assert_true(measure_peak(sound->samples, sound->length, rate, HERTZ) > 7000);
		/* what the encoder begins with is not heard */
		assert_true(measure_rms(sound->samples, rate / 250) > 3000);
		media_sound_unref(sound);
	}
	sound = here(s, "soft.opus", RATE);
	assert_true(fabs(measure_peak(sound->samples, sound->length, RATE, HERTZ) - 4000) < 400);
	media_sound_unref(sound);
	scene_close(s);
}

static void opus_that_cannot_be_used(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	static uint8_t octets[OPUS_MAX];
	struct bytes b = opus_make(octets, 0, PACKETS);
	struct media_sound *sound;
	struct sound_fault fault;

	(void)state;
	file_put(s, "cut.opus", b.p, b.n - 1);
	assert_int_equal(get_wait(s, "cut.opus", RATE, &sound, &fault), SOUNDS_NONE);
	assert_string_equal(fault.reason, "ends within a page");
	assert_int_equal(fault.at, b.n - 1);
	b = opus_make(octets, 0, 20);
	file_put(s, "bad.opus", b.p, b.n);
	assert_int_equal(get_wait(s, "bad.opus", RATE, &sound, &fault), SOUNDS_NONE);
	assert_string_equal(fault.reason, "what ends here is no packet of Opus");
	assert_memory_equal(octets + fault.at - 3, ((uint8_t[]){ 200, 1, 2 }), 3);
	file_put(s, "text.opus", "hello", 5);
	is_none(s, "text.opus", "neither a WAV file nor Opus in Ogg");
	scene_close(s);
}

/* ---- recordings ---- */

#define CALL "000agvj5jqr40"

static struct media_sound *recording(const struct scene *s, const char *tenant, const char *file,
				     struct sound_fault *fault)
{
	struct sound_name name;

	assert_true(sound_recording_set(&name, bytes_str(tenant), bytes_str(file), RATE));
	return sound_recording_read(s->folder, &name, &(bool){ false }, fault);
}

/* ... its first segments alone, of whatever there is of it elsewhere. */
static bool is_partial(const struct scene *s)
{
	struct sound_fault fault;
	struct sound_name name;
	struct media_sound *sound;
	bool partial;

	assert_true(sound_recording_set(&name, BYTES_LIT("acme"), BYTES_LIT("recording:" CALL "-1"),
					RATE));
	sound = sound_recording_read(s->folder, &name, &partial, &fault);
	assert_non_null(sound);
	media_sound_unref(sound);
	return partial;
}

/* As long as it is, and what it begins with. */
static void assert_recording(const struct scene *s, uint32_t length, int16_t first)
{
	struct sound_fault fault;
	struct media_sound *sound = recording(s, "acme", "recording:" CALL "-1", &fault);

	if (!sound) {
		fail_msg("%s", fault.reason);
		return;
	}
	assert_int_equal(sound->length, length);
	assert_int_equal(sound->samples[0], first);
	media_sound_unref(sound);
}

/* In its segments, of whatever day, or in one file; of its tenant alone. */
static void recordings_are_played(void **state)
{
	struct scene *s = scene_open(4, 1 << 20);
	struct sound_fault fault;
	char path[160];

	(void)state;
	for (int day = 24; day <= 25; day++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "2026-11-%d", day);
		path_of(s, path, "acme", name);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_null(recording(s, "acme", "recording:" CALL "-1", &fault));
	assert_true(fault.absent);
	wav_put(s, "2026-11-24/" CALL "-1.1.wav", 100, 7);
	assert_recording(s, 100, 7);
	wav_put(s, "2026-11-25/" CALL "-1.2.wav", 50, 9);
	assert_recording(s, 150, 7);
	wav_put(s, "2026-11-25/" CALL "-1.3.wav", 0, 0);       /* its caller had gone */
	file_put(s, "2026-11-25/" CALL "-1.4.wav", "RIFF", 4); /* its disk was full */
	file_put(s, "2026-11-25/" CALL "-1.5.wav", "", 0);
	wav_put(s, "2026-11-25/" CALL "-1.6.wav", 5, 4);
	assert_recording(s, 155, 7);
	wav_put(s, "2026-11-25/" CALL "-1.wav", 160, 3);
	assert_recording(s, 160, 3);
	assert_null(recording(s, "other", "recording:" CALL "-1", &fault));
	assert_null(recording(s, "acme", "recording:" CALL "-2", &fault));
	wav_put(s, "secret.wav", 10, 1);
	path_of(s, path, "acme", "2026-11-25/" CALL "-3.1.wav");
	assert_int_equal(symlink("../secret.wav", path), 0);
	assert_null(recording(s, "acme", "recording:" CALL "-3", &fault));
	assert_string_equal(fault.reason, "cannot be opened");
	scene_close(s);
}

static void sidecar_put(const struct scene *s, const char *file, const char *text)
{
	file_put(s, file, text, strlen(text));
}

static void segments_of_other_nodes(void **state)
{
	struct scene *s = scene_open(4, 1 << 20);
	char path[160];

	(void)state;
	path_of(s, path, "acme", "2026-11-25");
	assert_int_equal(mkdir(path, 0700), 0);
	wav_put(s, "2026-11-25/" CALL "-1.1.wav", 100, 7);
	assert_false(is_partial(s)); /* it is still written here */
	sidecar_put(s, "2026-11-25/" CALL "-1.1.wav.json", "{\"last\":false}");
	assert_true(is_partial(s));
	wav_put(s, "2026-11-25/" CALL "-1.2.wav", 50, 9);
	sidecar_put(s, "2026-11-25/" CALL "-1.2.wav.json", "{\"last\":true}");
	assert_false(is_partial(s));
	sidecar_put(s, "2026-11-25/" CALL "-1.2.wav.json", "{");
	assert_false(is_partial(s));
	path_of(s, path, "acme", "2026-11-25/" CALL "-1.1.wav");
	assert_int_equal(unlink(path), 0);
	wav_put(s, "2026-11-25/" CALL "-1.1.cut.wav", 90, 7);
	assert_true(is_partial(s)); /* its node may come back with all of it */
	wav_put(s, "2026-11-25/" CALL "-1.wav", 150, 7);
	assert_false(is_partial(s));
	scene_close(s);
}

static void names_of_recordings(void **state)
{
	static const char *const BAD[] = {
		"",          CALL,          CALL "-",        CALL "-0",     CALL "-64",
		CALL "-1.1", CALL "-1/x",   "../" CALL "-1", CALL "-1.wav", "1-1",
		CALL "--1",  "a/" CALL "-1"
	};
	struct sound_name name;

	(void)state;
	assert_true(sound_recording_is_good(BYTES_LIT(CALL "-63")));
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		if (sound_recording_is_good(bytes_str(BAD[i])))
			fail_msg("%s", BAD[i]);
	}
	assert_false(sound_recording_set(&name, BYTES_LIT("../acme"),
					 BYTES_LIT("recording:" CALL "-1"), RATE));
	assert_false(sound_recording_set(&name, BYTES_LIT("acme"), BYTES_LIT(CALL "-1"), RATE));
}

/* It has a beginning and an end. */
static void the_beep(void **state)
{
	struct sound_fault fault;
	struct media_sound *sound;
	struct sound_name name;

	(void)state;
	assert_false(sound_beep_set(&name, BYTES_LIT("beep.wav"), RATE));
	assert_true(sound_beep_set(&name, BYTES_LIT("beep"), RATE));
	sound = sound_tone_make(&name, &fault);
	if (!sound) {
		fail_msg("%s", fault.reason);
		return;
	}
	assert_int_equal(sound->length, RATE * 3 / 10);
	assert_true(measure_peak(sound->samples, sound->length, RATE, 1000) > 5000);
	assert_true(measure_peak(sound->samples, sound->length, RATE, 620) < 100);
	media_sound_unref(sound);
}

/* Up when somebody comes, down when he leaves. */
static void the_beeps_of_a_conference(void **state)
{
	static const struct {
		const char *name;
		uint32_t first, last;
	} rows[] = { { "beep-entry", 660, 880 }, { "beep-exit", 880, 660 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sound_fault fault;
		struct media_sound *sound;
		struct sound_name name;

		assert_true(sound_beep_set(&name, bytes_str(rows[i].name), RATE));
		sound = sound_tone_make(&name, &fault);
		if (!sound) {
			fail_msg("%s", fault.reason);
			return;
		}
		assert_int_equal(sound->length, RATE * 3 / 10);
		assert_true(measure_peak(sound->samples, sound->length / 2, RATE, rows[i].first) >
			    1500);
		assert_true(measure_peak(sound->samples + sound->length / 2, sound->length / 2,
					 RATE, rows[i].last) > 1500);
		assert_true(measure_peak(sound->samples, sound->length / 2, RATE, rows[i].last) <
			    300);
		media_sound_unref(sound);
	}
	assert_false(sound_beep_set(&(struct sound_name){ 0 }, BYTES_LIT("beep-in"), RATE));
}

static void names_stay_in_the_folder(void **state)
{
	static const char *const BAD[] = { "", ".", "..", "a/b", "../b", ".hidden", "a b", "a\n" };
	char longest[SOUND_NAME_MAX + 2] = { 0 };
	struct sound_name name;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		assert_false(sound_name_set(&name, BYTES_LIT("acme"), bytes_str(BAD[i]), RATE));
		assert_false(sound_name_set(&name, bytes_str(BAD[i]), BYTES_LIT("a.wav"), RATE));
	}
	memset(longest, 'a', SOUND_NAME_MAX + 1);
	assert_false(sound_name_set(&name, BYTES_LIT("acme"), bytes_str(longest), RATE));
	longest[SOUND_NAME_MAX] = '\0';
	assert_true(sound_name_set(&name, BYTES_LIT("acme"), bytes_str(longest), RATE));
}

static void the_longest_unused_makes_room(void **state)
{
	struct scene *s = scene_open(2, 1 << 20);
	struct media_sound *a, *b, *again;
	struct sound_fault fault;

	(void)state;
	wav_put(s, "a.wav", LENGTH, 0);
	wav_put(s, "b.wav", LENGTH, 0);
	wav_put(s, "c.wav", LENGTH, 0);
	a = here(s, "a.wav", RATE);
	s->now_ns++;
	b = here(s, "b.wav", RATE);
	is_none(s, "c.wav", "too many sounds are played");
	media_sound_unref(a);
	media_sound_unref(b);
	s->now_ns++;
	a = here(s, "a.wav", RATE);
	media_sound_unref(a);
	s->now_ns++;
	media_sound_unref(here(s, "c.wav", RATE));
	assert_int_equal(get(s, "a.wav", RATE, &again, &fault), SOUNDS_HERE);
	media_sound_unref(again);
	assert_int_equal(get(s, "b.wav", RATE, &again, &fault), SOUNDS_LATER);
	scene_close(s);
}

static void memory_is_bounded(void **state)
{
	struct scene *s = scene_open(8, 3 * LENGTH * sizeof(int16_t));
	struct media_sound *a;

	(void)state;
	wav_put(s, "a.wav", 2 * LENGTH, 0);
	wav_put(s, "b.wav", 2 * LENGTH, 0);
	a = here(s, "a.wav", RATE);
	is_none(s, "b.wav", "no room for more sounds");
	media_sound_unref(a);
	s->now_ns += AGAIN_NS;
	media_sound_unref(here(s, "b.wav", RATE));
	scene_close(s);
}

/* More than that are kept while they are played, or are about to be, and then no longer than until the next one is read. */
static void idle_ones_have_less_room(void **state)
{
	struct scene *s =
		scene_open_idle(8, 4 * LENGTH * sizeof(int16_t), LENGTH * sizeof(int16_t));
	struct media_sound *a, *b, *again;
	struct sound_fault fault;

	(void)state;
	wav_put(s, "a.wav", LENGTH, 0);
	wav_put(s, "b.wav", LENGTH, 0);
	wav_put(s, "c.wav", LENGTH, 0);
	wav_put(s, "d.wav", LENGTH, 0);
	a = here(s, "a.wav", RATE);
	b = here(s, "b.wav", RATE);
	media_sound_unref(a);
	media_sound_unref(here(s, "c.wav", RATE));
	assert_int_equal(get(s, "a.wav", RATE, &again, &fault), SOUNDS_HERE);
	media_sound_unref(again);
	s->now_ns += 2 * NS_PER_S;
	media_sound_unref(here(s, "d.wav", RATE));
	assert_int_equal(get(s, "b.wav", RATE, &again, &fault), SOUNDS_HERE);
	media_sound_unref(again);
	assert_int_equal(get(s, "a.wav", RATE, &again, &fault), SOUNDS_LATER);
	media_sound_unref(b);
	scene_close(s);
}

static void a_fault_is_looked_at_anew(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct media_sound *sound;
	struct sound_fault fault;

	(void)state;
	is_none(s, "later.wav", "no such file");
	wav_put(s, "later.wav", LENGTH, 0);
	s->now_ns += AGAIN_NS - 1;
	assert_int_equal(get(s, "later.wav", RATE, &sound, &fault), SOUNDS_NONE);
	s->now_ns++;
	media_sound_unref(here(s, "later.wav", RATE));
	scene_close(s);
}

static void a_changed_file_is_read_again(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct media_sound *old, *new;

	(void)state;
	wav_put(s, "hold.wav", LENGTH, 0);
	old = here(s, "hold.wav", RATE);
	wav_put(s, "hold.wav", LENGTH, 100);
	new = here(s, "hold.wav", RATE);
	assert_ptr_equal(new, old);
	media_sound_unref(new);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	new = here(s, "hold.wav", RATE);
	assert_int_equal(new->samples[0], 100);
	assert_int_equal(old->samples[0], 0);
	assert_int_equal(old->references, 1);
	media_sound_unref(old);
	media_sound_unref(new);
	scene_close(s);
}

/* What changes while it is read is read once more. */
static void forgotten_while_it_is_read(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };
	struct media_sound *sound;
	struct sound_fault fault;

	(void)state;
	wav_put(s, "hold.wav", LENGTH, 0);
	assert_int_equal(get(s, "hold.wav", RATE, &sound, &fault), SOUNDS_LATER);
	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	wav_put(s, "hold.wav", LENGTH, 100);
	sound = here(s, "hold.wav", RATE);
	assert_int_equal(sound->samples[0], 100);
	media_sound_unref(sound);
	scene_close(s);
}

/* Also what is being read meanwhile is of the other folder in the end; who has an older sound keeps it. */
static void another_folder(void **state)
{
	struct scene *s = scene_open(8, 1 << 20), *other = scene_open(8, 1 << 20);
	struct media_sound *old, *new;
	struct sound_fault fault;

	(void)state;
	wav_put(s, "hold.wav", LENGTH, 0);
	wav_put(s, "gone.wav", LENGTH, 0);
	wav_put(other, "hold.wav", LENGTH, 100);
	wav_put(other, "next.wav", LENGTH, 200);
	old = here(s, "hold.wav", RATE);
	assert_int_equal(get(s, "next.wav", RATE, &new, &fault), SOUNDS_LATER);
	assert_int_equal(sounds_folder_set(s->sounds, "/nowhere"), 0);
	assert_int_equal(sounds_folder_set(s->sounds, other->folder), 0);
	new = here(s, "next.wav", RATE);
	assert_int_equal(new->samples[0], 200);
	media_sound_unref(new);
	new = here(s, "hold.wav", RATE);
	assert_int_equal(new->samples[0], 100);
	assert_int_equal(old->samples[0], 0);
	media_sound_unref(new);
	media_sound_unref(old);
	is_none(s, "gone.wav", "no such file");
	scene_close(s);
	scene_close(other);
}

static int lines_of(int fd)
{
	char text[4096];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	int lines = 0;

	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* As many lines as there are faults, not as there are looks. */
static void a_fault_is_said_once(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	int fd;
	char path[160];

	(void)state;
	path_of(s, path, "acme", "log");
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	log_setup(fd, LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	for (int i = 0; i < 3; i++) {
		is_none(s, "hold.wav", "no such file");
		s->now_ns += AGAIN_NS;
	}
	assert_int_equal(lines_of(fd), 1);
	file_put(s, "hold.wav", "", 0);
	is_none(s, "hold.wav", "empty");
	assert_int_equal(lines_of(fd), 2);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	is_none(s, "hold.wav", "empty");
	assert_int_equal(lines_of(fd), 3);
	log_setup(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	(void)close(fd);
	scene_close(s);
}

/* Each setting but off is a plan. */
static void a_tone_has_its_setting(void **state)
{
	(void)state;
	for (uint32_t i = 1; g_settings_tones[i]; i++)
		assert_non_null(tone_plan_find(bytes_str(g_settings_tones[i])));
}

/* One period, which is what it is at any later time. */
static void a_tone_repeats(void **state)
{
	const struct tone *uk = &tone_plan_find(BYTES_LIT("uk"))->tones[TONE_RINGBACK];
	static int16_t later[RATE * 3];
	struct sound_fault fault;
	struct sound_name name;
	struct media_sound *s;

	(void)state;
	assert_false(sound_tone_set(&name, BYTES_LIT("nowhere"), TONE_RINGBACK, RATE));
	assert_true(sound_tone_set(&name, BYTES_LIT("uk"), TONE_RINGBACK, RATE));
	s = sound_tone_make(&name, &fault);
	assert_non_null(s);
	assert_int_equal(s->rate_hz, RATE);
	assert_int_equal(s->length, RATE * 3);
	tone_render(uk, RATE, (uint64_t)RATE * 3 * 100, later, RATE * 3);
	assert_memory_equal(s->samples, later, sizeof(later));
	media_sound_unref(s);
	assert_true(sound_tone_set(&name, BYTES_LIT("uk"), TONE_DIAL, RATE));
	s = sound_tone_make(&name, &fault); /* without end */
	assert_int_equal(s->length, RATE);
	media_sound_unref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_once),
		cmocka_unit_test(what_cannot_be_used),
		cmocka_unit_test(opus_is_decoded),
		cmocka_unit_test(opus_that_cannot_be_used),
		cmocka_unit_test(recordings_are_played),
		cmocka_unit_test(segments_of_other_nodes),
		cmocka_unit_test(names_of_recordings),
		cmocka_unit_test(the_beep),
		cmocka_unit_test(the_beeps_of_a_conference),
		cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(the_longest_unused_makes_room),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(idle_ones_have_less_room),
		cmocka_unit_test(a_fault_is_looked_at_anew),
		cmocka_unit_test(a_changed_file_is_read_again),
		cmocka_unit_test(forgotten_while_it_is_read),
		cmocka_unit_test(another_folder),
		cmocka_unit_test(a_fault_is_said_once),
		cmocka_unit_test(a_tone_has_its_setting),
		cmocka_unit_test(a_tone_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
