/* SPDX-License-Identifier: Apache-2.0 */
/* WAV files of tenants, read by the helper thread and shared. Run under TSan too. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings/settings.h"
#include "app/sound/sound_prompt.h"
#include "app/sound/sounds.h"
#include "base/clock.h"
#include "base/log.h"
#include "dsp/codec/encoder.h"
#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/ogg_make.h"

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

/* ---- prompts ---- */

static void folder_put(const struct scene *s, const char *folder)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s", s->folder, folder);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* Its first sample says which one it is. */
static void prompt_put(const struct scene *s, const char *path, uint32_t samples, int16_t first)
{
	char from[160], to[160];

	wav_put(s, "made.wav", samples, first);
	path_of(s, from, "acme", "made.wav");
	(void)snprintf(to, sizeof(to), "%s/%s", s->folder, path);
	assert_int_equal(rename(from, to), 0);
}

static enum sounds_answer prompt_get(struct scene *s, const char *what, const char *language,
				     struct media_sound **out, struct sound_fault *fault)
{
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };
	struct sound_name name;
	enum sounds_answer a;

	assert_true(sound_prompt_set(&name, BYTES_LIT("acme"), bytes_str(language), bytes_str(what),
				     RATE));
	while ((a = sounds_get(s->sounds, &name, s->now_ns, out, fault)) == SOUNDS_LATER) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(sounds_round(s->sounds, s->now_ns), 1);
	}
	return a;
}

static int16_t prompt_says(struct scene *s, const char *what, const char *language)
{
	struct sound_fault fault = { 0 };
	struct media_sound *sound;
	int16_t first;

	if (prompt_get(s, what, language, &sound, &fault) != SOUNDS_HERE)
		fail_msg("%s: %s", what, fault.reason);
	first = sound->samples[0];
	media_sound_unref(sound);
	return first;
}

/* A tenant's before the node's, a language before none. */
static void prompts_are_found(void **state)
{
	static const struct {
		const char *path, *name;
		int16_t de, none;
	} rows[] = {
		{ ".prompts/hi.wav", "prompt:hi", 1, 1 },
		{ ".prompts/de/hi.wav", "prompt:hi", 2, 1 },
		{ "acme/hi.wav", "prompt:hi", 3, 3 },
		{ "acme/de/hi.wav", "prompt:hi", 4, 3 },
		{ ".prompts/de/yes.wav", "prompt:yes", 5, 0 },
	}, *row;
	struct scene *s = scene_open(8, 1 << 20);
	struct media_sound *sound;
	struct sound_fault fault = { 0 };

	(void)state;
	folder_put(s, ".prompts");
	folder_put(s, ".prompts/de");
	folder_put(s, "acme/de");
	EACH_ROW(row, rows)
	{
		prompt_put(s, row->path, LENGTH, (int16_t)(row_i + 1));
		assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
		ROW_ASSERT(row->path, prompt_says(s, row->name, "de") == row->de);
		if (row->none)
			ROW_ASSERT(row->path, prompt_says(s, row->name, "") == row->none);
	}
	/* of Austria, else German */
	folder_put(s, "acme/de-AT");
	prompt_put(s, "acme/de-AT/no.wav", LENGTH, 6);
	prompt_put(s, ".prompts/de/no.wav", LENGTH, 7);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 4);
	assert_int_equal(prompt_says(s, "prompt:no", "de-AT"), 6);
	assert_int_equal(prompt_says(s, "prompt:no", "de-CH"), 7);
	assert_int_equal(prompt_get(s, "prompt:yes", "fr", &sound, &fault), SOUNDS_NONE);
	assert_non_null(strstr(fault.reason, "no such prompt"));
	/* one that is wrong is not passed over */
	file_put(s, "hi.wav", "RIFF", 4);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	assert_int_equal(prompt_get(s, "prompt:hi", "", &sound, &fault), SOUNDS_NONE);
	assert_string_equal(fault.reason, "too short for a WAV file");
	scene_close(s);
}

/* Those that came with the program are the last ones, in the language before none. */
static void shipped_prompts(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	char folder[160];
	struct sounds_settings settings = { .count = 8,
					    .octets_max = 1 << 20,
					    .again_ns = AGAIN_NS,
					    .folder = "/nowhere",
					    .shipped = folder };

	(void)state;
	sounds_close(s->sounds);
	path_of(s, folder, "acme/shipped", "");
	folder_put(s, "acme/shipped");
	folder_put(s, "acme/shipped/.prompts");
	folder_put(s, "acme/shipped/.prompts/de");
	prompt_put(s, "acme/shipped/.prompts/hi.wav", LENGTH, 1);
	prompt_put(s, "acme/shipped/.prompts/yes.wav", LENGTH, 2);
	prompt_put(s, "acme/shipped/.prompts/de/hi.wav", LENGTH, 3);
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 3);
	assert_int_equal(prompt_says(s, "prompt:yes", "de"), 2);
	folder_put(s, ".prompts");
	prompt_put(s, ".prompts/hi.wav", LENGTH, 4);
	assert_int_equal(sounds_folder_set(s->sounds, s->folder), 0);
	assert_int_equal(prompt_says(s, "prompt:hi", "de"), 4);
	assert_int_equal(prompt_says(s, "prompt:yes", "de"), 2);
	scene_close(s);
}

/* ---- documents ---- */

static struct prompt_work *g_work; /* that was done last */

static void on_work(struct prompt_work *w, void *arg)
{
	(void)arg;
	prompt_work_free(g_work);
	g_work = w;
}

/* Waits for it: what it says is in g_work. */
static void work_do(struct scene *s, struct prompt_work work)
{
	struct pollfd p = { .fd = sounds_fd(s->sounds), .events = POLLIN };
	struct prompt_work *w = malloc(sizeof(*w));

	assert_non_null(w);
	*w = work;
	prompt_work_free(g_work);
	g_work = NULL;
	assert_true(sounds_work(s->sounds, w));
	while (!g_work) {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		(void)sounds_round(s->sounds, s->now_ns);
	}
}

/* A file of acme's that somebody puts; its hash. */
static void document_read(struct scene *s, const char *file, char hash[PROMPT_HASH_TEXT])
{
	char path[160];

	path_of(s, path, "acme", file);
	work_do(s, (struct prompt_work){ .kind = PROMPT_WORK_READ,
					 .fd = open(path, O_RDONLY | O_CLOEXEC) });
	memcpy(hash, g_work->hash, PROMPT_HASH_TEXT);
}

static void document_name(struct scene *s, const char *name, const char *language, const char *hash)
{
	struct prompt_work w = { .kind = PROMPT_WORK_NAME, .fd = -1 };

	(void)snprintf(w.of.tenant, sizeof(w.of.tenant), "acme");
	(void)snprintf(w.of.file, sizeof(w.of.file), "%s", name);
	(void)snprintf(w.of.language, sizeof(w.of.language), "%s", language);
	(void)snprintf(w.hash, sizeof(w.hash), "%s", hash);
	work_do(s, w);
}

static struct scene *documents_open(char cache[160])
{
	struct scene *s = scene_open(8, 1 << 20);
	struct sounds_settings settings = { .count = 8,
					    .octets_max = 1 << 20,
					    .again_ns = AGAIN_NS,
					    .folder = s->folder,
					    .prompts = cache,
					    .on_work = on_work };

	sounds_close(s->sounds);
	path_of(s, cache, "cache", "");
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	folder_put(s, ".prompts");
	folder_put(s, "acme/de");
	return s;
}

static void documents_close(struct scene *s)
{
	prompt_work_free(g_work);
	g_work = NULL;
	scene_close(s);
}

/* Each comes before the files of its language; what it meant is played until it means something else, and by its hash afterwards. */
static void documents_come_first(void **state)
{
	char cache[160], pinned[80], one[PROMPT_HASH_TEXT], two[PROMPT_HASH_TEXT];
	struct scene *s = documents_open(cache);
	struct media_sound *sound;
	struct sound_fault fault;
	struct sound_name name;

	(void)state;
	wav_put(s, "one.wav", LENGTH, 11);
	wav_put(s, "two.wav", LENGTH, 12);
	document_read(s, "one.wav", one);
	assert_null(g_work->fault.reason);
	assert_int_equal(g_work->length_ms, LENGTH * 1000 / RATE);
	assert_int_equal(g_work->n, HEAD + 2 * LENGTH);
	document_read(s, "two.wav", two);
	prompt_put(s, "acme/de/hi.wav", LENGTH, 3);
	prompt_put(s, ".prompts/hi.wav", LENGTH, 1);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 3);
	document_name(s, "hi", "", one);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 3);
	assert_int_equal(prompt_says(s, "prompt:hi", ""), 11);
	document_name(s, "hi", "de", two);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 12);
	assert_true(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("de-AT"),
				     BYTES_LIT("prompt:hi"), RATE));
	assert_string_equal(sounds_hash(s->sounds, &name), two);
	document_name(s, "hi", "de", one);
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 11);
	(void)snprintf(pinned, sizeof(pinned), "prompt:hi@%s", two);
	assert_true(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("de-AT"),
				     bytes_str(pinned), RATE));
	assert_string_equal(name.file, "hi");
	while (sounds_get(s->sounds, &name, s->now_ns, &sound, &fault) == SOUNDS_LATER)
		(void)sounds_round(s->sounds, s->now_ns);
	assert_int_equal(sound->samples[0], 12);
	media_sound_unref(sound);
	document_name(s, "hi", "de", "");
	assert_int_equal(prompt_says(s, "prompt:hi", "de-AT"), 3);
	pinned[strlen(pinned) - 1] = 'x';
	assert_false(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("de"), bytes_str(pinned),
				      RATE));
	document_name(s, "digit-4", "", two);
	assert_int_equal(prompt_says(s, "digits:44", "de"), 12);
	documents_close(s);
}

static const char *read_fault(struct scene *s, const char *file)
{
	char hash[PROMPT_HASH_TEXT];

	document_read(s, file, hash);
	return g_work->fault.reason ? g_work->fault.reason : "";
}

/* What has another hash is not believed: neither what comes, nor what lies there. */
static void documents_are_checked(void **state)
{
	static uint8_t large[PROMPT_OCTETS_MAX + 1];
	char cache[160], path[256], hash[PROMPT_HASH_TEXT];
	struct scene *s = documents_open(cache);
	struct prompt_work w = { .kind = PROMPT_WORK_NAME, .fd = -1 };

	(void)state;
	wav_put(s, "one.wav", LENGTH, 11);
	file_put(s, "large.wav", large, sizeof(large));
	file_put(s, "song.mp3", "\xff\xfb\x90\x64", 4);
	assert_string_equal(read_fault(s, "large.wav"), "longer than 1 MiB");
	assert_non_null(strstr(read_fault(s, "song.mp3"), "MP3"));
	assert_string_equal(read_fault(s, "de"), "not a plain file");
	document_read(s, "one.wav", hash);
	document_name(s, "hi", "", hash);
	assert_int_equal(prompt_says(s, "prompt:hi", ""), 11);
	(void)snprintf(path, sizeof(path), "%s/%s", cache, hash);
	assert_int_equal(truncate(path, 50), 0);
	document_name(s, "other", "", hash);
	assert_string_equal(g_work->fault.reason, "the file of a prompt is damaged");
	assert_true(g_work->fault.absent);
	memcpy(w.of.tenant, "acme", 4);
	memcpy(w.of.file, "other", 5);
	memcpy(w.hash, hash, sizeof(hash));
	w.octets = wav_make(LENGTH, 12, &w.n);
	work_do(s, w);
	assert_string_equal(g_work->fault.reason, "its octets in Redis have another hash");
	w.octets = wav_make(LENGTH, 11, &w.n);
	work_do(s, w);
	assert_null(g_work->fault.reason);
	assert_int_equal(prompt_says(s, "prompt:other", ""), 11);
	/* a file goes when no name has meant it for two days */
	for (int i = 0; i < 3; i++) {
		const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
		struct stat st;

		if (i == 2)
			assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
		work_do(s, (struct prompt_work){ .kind = PROMPT_WORK_SWEEP, .fd = -1 });
		assert_int_equal(stat(path, &st), i < 2 ? 0 : -1);
		document_name(s, "hi", "", "");
		document_name(s, "other", "", "");
	}
	work_do(s, (struct prompt_work){ .kind = PROMPT_WORK_OCTETS, .fd = -1 });
	assert_true(g_work->fault.absent);
	documents_close(s);
}

static void keys_are_spoken(void **state)
{
	static const char *const BAD[] = { "digits:", "digits:12x",  "digits:12345678901234567",
					   "prompt:", "prompt:../x", "prompt:.x",
					   "41" };
	struct scene *s = scene_open(8, 1 << 20);
	struct sound_fault fault = { 0 };
	struct media_sound *sound;
	struct sound_name name;

	(void)state;
	folder_put(s, ".prompts");
	prompt_put(s, ".prompts/digit-4.wav", 100, 40);
	prompt_put(s, ".prompts/digit-star.wav", 50, 1000);
	prompt_put(s, ".prompts/digit-a.wav", 30, 2000);
	assert_int_equal(prompt_get(s, "digits:4*A4", "", &sound, &fault), SOUNDS_HERE);
	assert_int_equal(sound->length, 100 + 50 + 30 + 100);
	assert_int_equal(sound->samples[0], 40);
	assert_int_equal(sound->samples[100], 1000);
	assert_int_equal(sound->samples[150], 2000);
	assert_int_equal(sound->samples[180], 40);
	media_sound_unref(sound);
	assert_int_equal(prompt_get(s, "digits:45", "", &sound, &fault), SOUNDS_NONE);
	for (size_t i = 0; i < COUNT_OF(BAD); i++)
		assert_false(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT(""),
					      bytes_str(BAD[i]), RATE));
	assert_false(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("../etc"),
				      BYTES_LIT("prompt:hi"), RATE));
	scene_close(s);
}

/* In the language of the value, whatever the listener's is; no log has it. */
static void values_are_spoken(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct sound_fault fault = { 0 };
	struct media_sound *sound;
	struct sound_name name;

	(void)state;
	folder_put(s, ".prompts");
	folder_put(s, ".prompts/de");
	prompt_put(s, ".prompts/digit-1.wav", 10, 1);
	prompt_put(s, ".prompts/number-20.wav", 20, 20);
	prompt_put(s, ".prompts/de/and-1.wav", 30, 300);
	assert_int_equal(prompt_get(s, "number:de:21", "en", &sound, &fault), SOUNDS_HERE);
	assert_int_equal(sound->length, 30 + 20);
	assert_int_equal(sound->samples[0], 300);
	assert_int_equal(sound->samples[30], 20);
	media_sound_unref(sound);
	assert_int_equal(prompt_get(s, "number:21", "", &sound, &fault), SOUNDS_HERE);
	assert_int_equal(sound->length, 20 + 10);
	media_sound_unref(sound);
	assert_true(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("de"),
				     BYTES_LIT("letters:ab"), RATE));
	assert_string_equal(sound_shown(&name), "said:");
	assert_false(sound_prompt_set(&name, BYTES_LIT("acme"), BYTES_LIT("de"),
				      BYTES_LIT("number:x"), RATE));
	scene_close(s);
}

/* A text is known by what is said: by whom, and in which language, whatever the listener's is. It is looked for anew when it was said. */
static void texts_are_spoken(void **state)
{
	struct scene *s = scene_open(8, 1 << 20);
	struct sounds_settings settings = {
		.count = 8, .octets_max = 1 << 20, .again_ns = AGAIN_NS, .folder = s->folder
	};
	char speech[160], said[SPEECH_TEXT_MAX], path[256];
	struct sound_name name, other;
	struct sound_fault fault;
	struct media_sound *sound;

	(void)state;
	path_of(s, speech, "acme", "");
	settings.speech = speech;
	sounds_close(s->sounds);
	assert_int_equal(sounds_open(&s->sounds, &settings), 0);
	assert_true(sound_speech_set(&name, BYTES_LIT("acme"), BYTES_LIT("de"),
				     BYTES_LIT("text:::Hallo: 1"), RATE, said));
	assert_string_equal(said, "de::Hallo: 1");
	assert_true(sound_speech_set(&other, BYTES_LIT("acme"), BYTES_LIT("en"),
				     BYTES_LIT("text:de::Hallo: 1"), RATE, said));
	assert_memory_equal(&name, &other, sizeof(name));
	assert_true(sound_speech_set(&other, BYTES_LIT("acme"), BYTES_LIT("de"),
				     BYTES_LIT("text::slt:Hallo: 1"), RATE, said));
	assert_string_not_equal(name.hash, other.hash);
	assert_false(sound_speech_set(&other, BYTES_LIT("acme"), BYTES_LIT("de"),
				      BYTES_LIT("number:1"), RATE, said));
	while (sounds_get(s->sounds, &name, s->now_ns, &sound, &fault) == SOUNDS_LATER)
		(void)sounds_round(s->sounds, s->now_ns);
	assert_true(fault.absent);
	wav_put(s, name.hash, LENGTH, 21);
	assert_int_equal(sounds_get(s->sounds, &name, s->now_ns, &sound, &fault), SOUNDS_NONE);
	sounds_said(s->sounds, name.hash);
	while (sounds_get(s->sounds, &name, s->now_ns, &sound, &fault) == SOUNDS_LATER)
		(void)sounds_round(s->sounds, s->now_ns);
	assert_int_equal(sound->samples[0], 21);
	media_sound_unref(sound);
	path_of(s, path, "acme", name.hash);
	assert_int_equal(unlink(path), 0);
	scene_close(s);
}

/* ---- recordings ---- */

#define CALL "000agvj5jqr40"

static struct media_sound *recording(const struct scene *s, const char *tenant, const char *file,
				     struct sound_fault *fault)
{
	struct sound_name name;

	assert_true(sound_recording_set(&name, bytes_str(tenant), bytes_str(file), RATE));
	return sound_recording_read(s->folder, &name, fault);
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
		cmocka_unit_test(prompts_are_found),
		cmocka_unit_test(shipped_prompts),
		cmocka_unit_test(documents_come_first),
		cmocka_unit_test(documents_are_checked),
		cmocka_unit_test(keys_are_spoken),
		cmocka_unit_test(values_are_spoken),
		cmocka_unit_test(texts_are_spoken),
		cmocka_unit_test(recordings_are_played),
		cmocka_unit_test(names_of_recordings),
		cmocka_unit_test(the_beep),
		cmocka_unit_test(the_beeps_of_a_conference),
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
