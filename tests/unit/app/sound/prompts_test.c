/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts as words: by name and language, as documents, digits, values and texts. */
#include "app/sound/sound_prompt.h"
#include "tests/unit/app/sound/scene.h"

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
					    .octets_idle = 1 << 20,
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
					    .octets_idle = 1 << 20,
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
	struct sounds_settings settings = { .count = 8,
					    .octets_max = 1 << 20,
					    .octets_idle = 1 << 20,
					    .again_ns = AGAIN_NS,
					    .folder = s->folder };
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
	sounds_on_rendered(s->sounds, name.hash);
	while (sounds_get(s->sounds, &name, s->now_ns, &sound, &fault) == SOUNDS_LATER)
		(void)sounds_round(s->sounds, s->now_ns);
	assert_int_equal(sound->samples[0], 21);
	media_sound_unref(sound);
	path_of(s, path, "acme", name.hash);
	assert_int_equal(unlink(path), 0);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prompts_are_found),    cmocka_unit_test(shipped_prompts),
		cmocka_unit_test(documents_come_first), cmocka_unit_test(documents_are_checked),
		cmocka_unit_test(keys_are_spoken),      cmocka_unit_test(values_are_spoken),
		cmocka_unit_test(texts_are_spoken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
