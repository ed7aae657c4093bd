/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files of tenants, read by the helper thread and shared. Run under TSan too. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/node/sound_tone.h"
#include "app/node/sounds.h"
#include "app/settings/settings.h"
#include "base/clock.h"
#include "base/log.h"

enum { RATE = 8000, LENGTH = 800, HEAD = 44, WAIT_MS = 5000 };

#define AGAIN_NS (10 * NS_PER_S)

struct scene {
	char folder[32];
	struct sounds *sounds;
	uint64_t now_ns;
};

static void path_of(const struct scene *s, char out[160], const char *tenant, const char *file)
{
	(void)snprintf(out, 160, "%s/%s%s%s", s->folder, tenant, *file ? "/" : "", file);
}

static void file_put(const struct scene *s, const char *file, const void *octets, size_t n)
{
	char path[160];
	int fd;

	path_of(s, path, "acme", file);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, n), n);
	assert_int_equal(close(fd), 0);
}

static void le_put(uint8_t *p, uint32_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* RIFF, 16 bits, one channel: samples first, first + 1, ... Its octets, malloc'ed. */
static uint8_t *wav_make(uint32_t samples, int16_t first, size_t *n)
{
	uint8_t *w = calloc(1, HEAD + 2 * (size_t)samples);

	assert_non_null(w);
	*n = HEAD + 2 * (size_t)samples;
	memcpy(w, "RIFF    WAVEfmt ", 16);
	le_put(w + 4, (uint32_t)*n - 8, 4);
	le_put(w + 16, 16, 4);
	le_put(w + 20, 1, 2);
	le_put(w + 22, 1, 2);
	le_put(w + 24, RATE, 4);
	le_put(w + 28, 2 * RATE, 4);
	le_put(w + 32, 2, 2);
	le_put(w + 34, 16, 2);
	memcpy(w + 36, "data", 4);
	le_put(w + 40, 2 * samples, 4);
	for (uint32_t i = 0; i < samples; i++)
		le_put(w + HEAD + 2 * (size_t)i, (uint16_t)(first + (int)i), 2);
	return w;
}

static void wav_put(const struct scene *s, const char *file, uint32_t samples, int16_t first)
{
	size_t n;
	uint8_t *w = wav_make(samples, first, &n);

	file_put(s, file, w, n);
	free(w);
}

static struct scene *scene_open(uint32_t count, uint64_t octets_max)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct sounds_settings settings = { .count = count,
					    .octets_max = octets_max,
					    .again_ns = AGAIN_NS };
	char path[160];

	assert_non_null(s);
	memcpy(s->folder, "/tmp/sounds-XXXXXX", sizeof("/tmp/sounds-XXXXXX"));
	assert_non_null(mkdtemp(s->folder));
	path_of(s, path, "acme", "");
	assert_int_equal(mkdir(path, 0700), 0);
	settings.folder = s->folder;
	s->now_ns = 1000 * NS_PER_S;
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	return s;
}

static int path_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void scene_close(struct scene *s)
{
	sounds_close(s->sounds);
	assert_int_equal(nftw(s->folder, path_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(s);
}

static struct sound_name name_of(const char *file, uint32_t rate_hz)
{
	struct sound_name name;

	assert_true(sound_name_set(&name, BYTES_LIT("acme"), bytes_str(file), rate_hz));
	return name;
}

static enum sounds_answer get(struct scene *s, const char *file, uint32_t rate_hz,
			      struct media_sound **out, struct sound_fault *fault)
{
	struct sound_name name = name_of(file, rate_hz);

	return sounds_get(s->sounds, &name, s->now_ns, out, fault);
}

/* As control waits. */
static enum sounds_answer get_wait(struct scene *s, const char *file, uint32_t rate_hz,
				   struct media_sound **out, struct sound_fault *fault)
{
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };
	enum sounds_answer a;

	while ((a = get(s, file, rate_hz, out, fault)) == SOUNDS_LATER) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(sounds_round(s->sounds, s->now_ns), 1);
	}
	return a;
}

static struct media_sound *here(struct scene *s, const char *file, uint32_t rate_hz)
{
	struct media_sound *sound = NULL;
	struct sound_fault fault = { 0 };

	assert_int_equal(get_wait(s, file, rate_hz, &sound, &fault), SOUNDS_HERE);
	assert_int_equal(sound->rate_hz, rate_hz);
	return sound;
}

static void is_none(struct scene *s, const char *file, const char *reason)
{
	struct media_sound *sound = NULL;
	struct sound_fault fault = { 0 };

	assert_int_equal(get_wait(s, file, RATE, &sound, &fault), SOUNDS_NONE);
	assert_string_equal(fault.reason, reason);
	assert_null(sound);
}

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
	media_sound_drop(one);
	media_sound_drop(same);
	scene_close(s);
	assert_int_equal(wide->references, 1); /* who has it keeps it */
	media_sound_drop(wide);
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
	media_sound_drop(a);
	media_sound_drop(b);
	s->now_ns++;
	a = here(s, "a.wav", RATE);
	media_sound_drop(a);
	s->now_ns++;
	media_sound_drop(here(s, "c.wav", RATE));
	assert_int_equal(get(s, "a.wav", RATE, &again, &fault), SOUNDS_HERE);
	media_sound_drop(again);
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
	media_sound_drop(a);
	s->now_ns += AGAIN_NS;
	media_sound_drop(here(s, "b.wav", RATE));
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
	media_sound_drop(here(s, "later.wav", RATE));
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
	media_sound_drop(new);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	new = here(s, "hold.wav", RATE);
	assert_int_equal(new->samples[0], 100);
	assert_int_equal(old->samples[0], 0);
	assert_int_equal(old->references, 1);
	media_sound_drop(old);
	media_sound_drop(new);
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
	media_sound_drop(sound);
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
	media_sound_drop(new);
	new = here(s, "hold.wav", RATE);
	assert_int_equal(new->samples[0], 100);
	assert_int_equal(old->samples[0], 0);
	media_sound_drop(new);
	media_sound_drop(old);
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
	media_sound_drop(s);
	assert_true(sound_tone_set(&name, BYTES_LIT("uk"), TONE_DIAL, RATE));
	s = sound_tone_make(&name, &fault); /* without end */
	assert_int_equal(s->length, RATE);
	media_sound_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_once),
		cmocka_unit_test(what_cannot_be_used),
		cmocka_unit_test(names_stay_in_the_folder),
		cmocka_unit_test(the_longest_unused_makes_room),
		cmocka_unit_test(memory_is_bounded),
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
