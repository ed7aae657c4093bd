/* SPDX-License-Identifier: Apache-2.0 */
/* Packets in, files out, through the thread. Times of packets are made up: a call of ten seconds is over at once. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <jansson.h>

#include "app/record/record_facts.h"
#include "app/record/recorder.h"
#include "base/clock.h"
#include "media/codec.h"
#include "media/tap.h"

enum {
	FRAME = 160,
	PACKET_MAX = 12 + 4 * FRAME,
	QUEUE = 4096,
	FILE_ROOM = 8 << 20,
	BEGUN_S = 1795563723,
	CALL = 77,
	LATE_SAMPLES = 8 * 500, /* a busy machine */
};

struct fed {
	struct tap_packet packet;
	uint8_t octets[PACKET_MAX];
};

static struct {
	pthread_mutex_t lock;
	struct fed queue[QUEUE];
	uint32_t head, tail;
} g_feed = { .lock = PTHREAD_MUTEX_INITIALIZER };

static char g_folder[64];
static uint8_t g_file[FILE_ROOM];
static struct recorder *g_recorder;
static uint64_t g_begun_ns;
static bool g_silent; /* what is fed */

static uint32_t feed_read(void *source, uint32_t max, recorder_packet_fn *fn, void *arg)
{
	uint32_t n = 0;

	(void)source;
	(void)pthread_mutex_lock(&g_feed.lock);
	for (; n < max && g_feed.head != g_feed.tail; n++)
		fn(&g_feed.queue[g_feed.head++ % QUEUE].packet, arg);
	(void)pthread_mutex_unlock(&g_feed.lock);
	return n;
}

static void rig_open(uint32_t most)
{
	struct recorder_settings s = { .read = feed_read, .memory_mib = 8, .recordings_max = most };

	(void)snprintf(s.folder, sizeof(s.folder), "%s/recordings", g_folder);
	assert_int_equal(recorder_open(&g_recorder, &s), 0);
}

static int rig_setup(void **state)
{
	(void)state;
	(void)snprintf(g_folder, sizeof(g_folder), "/tmp/recorder_test.XXXXXX");
	if (!mkdtemp(g_folder))
		return -1;
	g_feed.head = g_feed.tail = 0;
	rig_open(100);
	return 0;
}

static int rig_teardown(void **state)
{
	char command[128];

	(void)state;
	recorder_close(g_recorder);
	g_recorder = NULL;
	(void)snprintf(command, sizeof(command), "rm -rf %s", g_folder);
	return system(command);
}

static struct recorder_results told_wait(void)
{
	struct recorder_results told = { .error = 1 };
	struct pollfd p = { .fd = recorder_told_fd(g_recorder), .events = POLLIN };

	for (unsigned i = 0; i < 100; i++) {
		if (recorder_results(g_recorder, &told, 1) == 1)
			return told;
		(void)poll(&p, 1, 200);
	}
	fail_msg("nothing was told");
	return told;
}

static void begin_terms(const struct record_terms *t)
{
	assert_true(recorder_start(g_recorder, t, BYTES_LIT("\"from\":\"1001\"")));
	g_begun_ns = clock_now_ns();
	assert_int_equal(told_wait().event, RECORDER_BEGUN);
}

static void begin(enum record_format format, uint16_t segment)
{
	begin_terms(&(struct record_terms){ .call = CALL,
					    .number = 1,
					    .segment = segment,
					    .tenant = "acme",
					    .format = format,
					    .begun_utc_ms = (uint64_t)BEGUN_S * 1000 });
}

/* What packet `number` of that side has: all octets come. */
static void payload_make(uint8_t out[FRAME], unsigned side, uint32_t number)
{
	for (uint32_t i = 0; i < FRAME; i++)
		out[i] = (uint8_t)(number * 53 + i * 3 + side * 101);
}

struct sound {
	unsigned side;
	uint32_t number, at_ms;
	enum media_codec codec;
	enum tap_kind kind;
	uint32_t octets; /* 0: FRAME */
};

static void feed(const struct sound *s)
{
	struct fed *f;
	uint32_t n = s->octets ? s->octets : FRAME;

	(void)pthread_mutex_lock(&g_feed.lock);
	f = &g_feed.queue[g_feed.tail % QUEUE];
	f->packet = (struct tap_packet){ .call = CALL,
					 .number = 1,
					 .side = (uint8_t)s->side,
					 .kind = (uint8_t)s->kind,
					 .codec = (uint8_t)(s->codec + 1),
					 .clock_hz = 8000,
					 .length = (uint16_t)(12 + n),
					 .time_ns = g_begun_ns + s->at_ms * NS_PER_MS };
	assert_int_equal(addr_parse(&f->packet.from, BYTES_LIT("192.0.2.1:4000")), 0);
	assert_int_equal(addr_parse(&f->packet.to, BYTES_LIT("192.0.2.2:5000")), 0);
	memset(f->octets, 0, 12);
	f->octets[0] = 0x80;
	be16_put(f->octets + 2, (uint16_t)(65530 + s->number));
	be32_put(f->octets + 4, s->number * FRAME);
	f->octets[11] = (uint8_t)(s->side + 1);
	payload_make(f->octets + 12, s->side, s->number);
	if (g_silent)
		memset(f->octets + 12, 0xff, n);
	g_feed.tail++;
	(void)pthread_mutex_unlock(&g_feed.lock);
}

static void feed_wait(void)
{
	bool all = false;

	for (unsigned i = 0; !all && i < 1000; i++) {
		(void)poll(NULL, 0, 10);
		(void)pthread_mutex_lock(&g_feed.lock);
		all = g_feed.head == g_feed.tail;
		(void)pthread_mutex_unlock(&g_feed.lock);
	}
	assert_true(all);
}

/* Of the second that was given: the 24th of November. */
static size_t file_get(const char *name)
{
	char path[256];
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/recordings/acme/2026-11-24/%s", g_folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, g_file, sizeof(g_file));
	(void)close(fd);
	return n < 0 ? 0 : (size_t)n;
}

static json_t *sidecar_get(const char *file)
{
	char name[96];
	size_t n;
	json_t *json;

	(void)snprintf(name, sizeof(name), "%s.json", file);
	n = file_get(name);
	json = json_loadb((const char *)g_file, n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	return json;
}

static json_int_t sidecar_int(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static struct recorder_results end(bool last)
{
	feed_wait();
	assert_true(recorder_end(g_recorder, CALL, 1, last, BYTES_LIT("\"from\":\"1001\"")));
	return told_wait();
}

static bool file_has_at(unsigned side, uint32_t number, size_t sample)
{
	const uint8_t *p = g_file + WAV_HEAD_LEN + sample * 2 + side;
	uint8_t want[FRAME];

	payload_make(want, side, number);
	for (uint32_t i = 0; i < FRAME; i++) {
		if (p[i * 2] != want[i])
			return false;
	}
	return true;
}

/*
 * Where the first packet lies in the file: the recorder began a moment before the test read the
 * clock, a long one where the machine is busy.
 */
static size_t first_sample(uint32_t number, uint32_t at_ms)
{
	for (size_t late = 0; late < LATE_SAMPLES; late++) {
		if (file_has_at(TAP_FROM_PARTY, number, (size_t)at_ms * 8 + late))
			return late;
	}
	fail_msg("said %u is not there", number);
	return 0;
}

/* Whether the file has that packet there, octet by octet; late: of first_sample. */
static bool file_has(unsigned side, uint32_t number, uint32_t at_ms, size_t late)
{
	return file_has_at(side, number, (size_t)at_ms * 8 + late);
}

static void test_wav(void **state)
{
	struct recorder_results told;
	json_t *json;
	size_t n, late;

	(void)state;
	begin(RECORD_WAV, 1);
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t jitter = i % 50 == 7 ? 900 : 0;

		/* one of 50 comes late, one twice, one of what is heard never */
		feed(&(struct sound){ TAP_FROM_PARTY, i, i * 20 + jitter, MEDIA_CODEC_PCMU,
				      TAP_SOUND, 0 });
		if (i % 50 == 9)
			feed(&(struct sound){ TAP_FROM_PARTY, i, i * 20, MEDIA_CODEC_PCMU,
					      TAP_SOUND, 0 });
		if (i % 50 != 20)
			feed(&(struct sound){ TAP_TO_PARTY, i, i * 20 + 3, MEDIA_CODEC_PCMU,
					      TAP_SOUND, 0 });
	}
	told = end(true);
	assert_int_equal(told.event, RECORDER_ENDED);
	assert_string_equal(told.file, "000000000002d-1.1.wav");
	json = sidecar_get(told.file);
	assert_true(json_is_true(json_object_get(json, "last")));
	assert_string_equal(json_string_value(json_object_get(json, "codec")), "PCMU");
	assert_string_equal(json_string_value(json_object_get(json, "from")), "1001");
	assert_int_equal(sidecar_int(json, "lost_packets"), 10);
	assert_int_equal(sidecar_int(json, "gap_count"), 10);
	assert_int_equal(sidecar_int(json, "unwritten_ms"), 0);
	assert_int_equal(sidecar_int(json, "duration_ms"), told.duration_ms);
	n = file_get(told.file);
	assert_int_equal(n, told.octets);
	assert_int_equal((n - WAV_HEAD_LEN) / 16,
			 told.duration_ms); /* with parts of a millisecond */
	late = first_sample(0, 0);
	for (uint32_t i = 0; i < 500; i++) {
		if (!file_has(TAP_FROM_PARTY, i, i * 20, late))
			fail_msg("said %u is not there", i);
		if (i % 50 != 20 && !file_has(TAP_TO_PARTY, i, i * 20 + 3, late))
			fail_msg("heard %u is not there", i);
	}
	json_decref(json);
}

/* Packets as they were, in their order, and nothing of what came while it was paused. */
static void test_pcapng_and_pause(void **state)
{
	uint64_t from_ns;
	struct recorder_results told;
	size_t n, at = 0;
	json_t *json;
	uint8_t want[FRAME];

	(void)state;
	begin(RECORD_PCAPNG, 3);
	for (uint32_t i = 0; i < 100; i++)
		feed(&(struct sound){ i % 2, i, 0, MEDIA_CODEC_PCMU, i % 7 ? TAP_SOUND : TAP_EVENT,
				      0 });
	feed_wait();
	assert_true(recorder_pause(g_recorder, CALL, 1));
	from_ns = clock_now_ns();
	(void)poll(NULL, 0, 30);
	for (uint32_t i = 100; i < 200; i++)
		feed(&(struct sound){ i % 2, i, (uint32_t)((from_ns - g_begun_ns) / NS_PER_MS) + 5,
				      MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	feed_wait();
	assert_true(recorder_resume(g_recorder, CALL, 1));
	from_ns = clock_now_ns();
	(void)poll(NULL, 0, 30);
	feed(&(struct sound){ 0, 200, (uint32_t)((from_ns - g_begun_ns) / NS_PER_MS) + 5,
			      MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	told = end(false);
	json = sidecar_get(told.file);
	assert_int_equal(json_array_size(json_object_get(json, "pauses")), 1);
	assert_int_equal(sidecar_int(json, "said_packets"), 51);
	assert_int_equal(sidecar_int(json, "heard_packets"), 50);
	assert_int_equal(sidecar_int(json, "segment"), 3);
	json_decref(json);
	n = file_get(told.file);
	assert_int_equal(n, told.octets);
	for (uint32_t i = 0; i <= 200; i++) {
		const uint8_t *found;

		payload_make(want, i % 2, i);
		found = memmem(g_file + at, n - at, want, FRAME);
		if ((found != NULL) != (i < 100 || i == 200))
			fail_msg("packet %u", i);
		if (found)
			at = (size_t)(found - g_file);
	}
}

/* The time of a WAV stands still meanwhile. */
static void test_wav_pause(void **state)
{
	struct recorder_results told;
	uint64_t paused_ms, resumed_ms;
	json_t *json;

	(void)state;
	begin(RECORD_WAV, 1);
	(void)poll(NULL, 0, 100);
	assert_true(recorder_pause(g_recorder, CALL, 1));
	paused_ms = (clock_now_ns() - g_begun_ns) / NS_PER_MS;
	(void)poll(NULL, 0, 300);
	feed(&(struct sound){ TAP_FROM_PARTY, 1, (uint32_t)paused_ms + 100, MEDIA_CODEC_PCMU,
			      TAP_SOUND, 0 });
	assert_true(recorder_resume(g_recorder, CALL, 1));
	resumed_ms = (clock_now_ns() - g_begun_ns) / NS_PER_MS;
	(void)poll(NULL, 0, 50);
	feed(&(struct sound){ TAP_FROM_PARTY, 2, (uint32_t)resumed_ms + 10, MEDIA_CODEC_PCMU,
			      TAP_SOUND, 0 });
	told = end(true);
	json = sidecar_get(told.file);
	assert_true(told.duration_ms + 250 < (clock_now_ns() - g_begun_ns) / NS_PER_MS);
	assert_int_equal(sidecar_int(json, "said_packets"), 1);
	assert_true(sidecar_int(json_array_get(json_object_get(json, "pauses"), 0), "ms") >= 300);
	json_decref(json);
}

/* Codecs that are decoded, a change of codec, and one that cannot be. */
static void test_other_codecs(void **state)
{
	static const struct {
		enum media_codec first, then;
		const char *codec;
		int rate;
	} rows[] = { { MEDIA_CODEC_PCMA, MEDIA_CODEC_PCMU, "PCMA", 8000 },
		     { MEDIA_CODEC_G722, MEDIA_CODEC_PCMU, "L16", 16000 },
		     { MEDIA_CODEC_PCMU, MEDIA_CODEC_G722, "PCMU", 8000 } };

	(void)state;
	for (uint16_t row = 0; row < COUNT_OF(rows); row++) {
		struct recorder_results told;
		json_t *json;

		begin(RECORD_WAV, (uint16_t)(row + 1));
		for (uint32_t i = 0; i < 100; i++)
			feed(&(struct sound){ TAP_FROM_PARTY, i, i * 20,
					      i < 50 ? rows[row].first : rows[row].then, TAP_SOUND,
					      0 });
		feed(&(struct sound){ TAP_TO_PARTY, 1, 100, MEDIA_CODECS_KNOWN - 1, TAP_SOUND, 3 });
		told = end(true);
		assert_int_equal(told.event, RECORDER_ENDED);
		json = sidecar_get(told.file);
		assert_string_equal(json_string_value(json_object_get(json, "codec")),
				    rows[row].codec);
		assert_int_equal(sidecar_int(json, "rate"), rows[row].rate);
		assert_int_equal(sidecar_int(json, "said_packets"), 100);
		assert_int_equal(sidecar_int(json, "undecoded_packets"), 1);
		assert_int_equal(sidecar_int(json, "duration_ms") / 10, 200);
		json_decref(json);
	}
}

/* Segment 1 is there, of a process that nobody remembers. */
static void test_segment_is_there(void **state)
{
	struct recorder_results told;

	(void)state;
	begin(RECORD_WAV, 1);
	(void)end(false);
	begin(RECORD_WAV, 1);
	told = end(true);
	assert_int_equal(told.segment, 2);
	assert_string_equal(told.file, "000000000002d-1.2.wav");
}

static void test_too_many(void **state)
{
	struct record_terms t = { .call = 1, .number = 1, .segment = 1, .tenant = "../x" };
	struct recorder_results told;

	(void)state;
	recorder_close(g_recorder);
	rig_open(1);
	assert_true(recorder_start(g_recorder, &t, BYTES_LIT("\"from\":\"1001\"")));
	told = told_wait();
	assert_int_equal(told.event, RECORDER_BEGUN);
	t.call = 2;
	assert_true(recorder_start(g_recorder, &t, BYTES_LIT("\"from\":\"1001\"")));
	told = told_wait();
	assert_int_equal(told.event, RECORDER_FAILED);
	assert_int_equal(told.error, -EMFILE);
	assert_int_equal(told.call, 2);
	assert_true(recorder_end(g_recorder, 1, 1, true, bytes_mem(NULL, 0)));
	assert_int_equal(told_wait().event, RECORDER_ENDED);
}

static void trouble_wait(int want)
{
	for (unsigned i = 0; i < 1000 && recorder_trouble(g_recorder) != want; i++)
		(void)poll(NULL, 0, 10);
	assert_int_equal(recorder_trouble(g_recorder), want);
}

/* A folder that cannot be written is known of until it can be. */
static void test_trouble(void **state)
{
	struct record_terms t = { .call = 1, .number = 1, .segment = 1, .tenant = "x" };
	char folder[128], other[128];
	int fd;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/recordings", g_folder);
	(void)snprintf(other, sizeof(other), "%s/other", g_folder);
	assert_int_equal(rename(folder, other), 0);
	fd = open(folder, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(recorder_trouble(g_recorder), 0);
	assert_true(recorder_start(g_recorder, &t, BYTES_LIT("\"from\":\"1001\"")));
	assert_int_equal(told_wait().event, RECORDER_FAILED);
	trouble_wait(-ENOTDIR);
	assert_int_equal(rename(other, folder) < 0 ? errno : 0, ENOTDIR);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(rename(other, folder), 0);
	begin(RECORD_WAV, 1);
	trouble_wait(0);
	(void)end(true);
	(void)close(fd);
}

/* As a process leaves it that is killed. */
static void early_put(const uint8_t *octets, size_t n)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path),
		       "%s/recordings/acme/2026-11-24/000000000002d-1.1.wav.json.new", g_folder);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, octets, n), n);
	(void)close(fd);
}

/* A process that stops, and one that was killed: its file ends anywhere. */
static void test_left_behind(void **state)
{
	char path[256];
	json_t *json;
	uint8_t early[64];
	size_t n, early_n;

	(void)state;
	begin(RECORD_WAV, 1);
	for (uint32_t i = 0; i < 100; i++)
		feed(&(struct sound){ TAP_FROM_PARTY, i, i * 20, MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	feed_wait();
	early_n = file_get("000000000002d-1.1.wav.json.new");
	memcpy(early, g_file, early_n < sizeof(early) ? early_n : sizeof(early));
	assert_int_equal(early_n, sizeof("\"from\":\"1001\"\n") - 1);
	recorder_close(g_recorder);
	json = sidecar_get("000000000002d-1.1.wav");
	assert_true(json_is_true(json_object_get(json, "interrupted")));
	assert_string_equal(json_string_value(json_object_get(json, "from")), "1001");
	json_decref(json);
	(void)snprintf(path, sizeof(path),
		       "%s/recordings/acme/2026-11-24/000000000002d-1.1.wav.json", g_folder);
	assert_int_equal(unlink(path), 0);
	path[strlen(path) - 5] = '\0';
	assert_int_equal(truncate(path, WAV_HEAD_LEN + 16001), 0);
	early_put(early, early_n);
	rig_open(10);
	for (unsigned i = 0; i < 500 && !file_get("000000000002d-1.1.wav.json"); i++)
		(void)poll(NULL, 0, 10);
	json = sidecar_get("000000000002d-1.1.wav");
	assert_true(json_is_true(json_object_get(json, "interrupted")));
	assert_int_equal(sidecar_int(json, "duration_ms"), 1000);
	assert_string_equal(json_string_value(json_object_get(json, "tenant")), "acme");
	assert_string_equal(json_string_value(json_object_get(json, "from")), "1001");
	assert_int_equal(file_get("000000000002d-1.1.wav.json.new"), 0);
	n = file_get("000000000002d-1.1.wav");
	assert_int_equal(n, WAV_HEAD_LEN + 16000);
	assert_int_equal(g_file[n - 16004 + 0], 16000 & 0xff);
	(void)first_sample(3, 60);
	json_decref(json);
}

/* What it is of changes while it is written: whoever finds it after a kill knows, and its own end. */
static void test_noted(void **state)
{
	static const char *const facts[] = { "\"from\":\"1001\",\"account_code\":\"47\"",
					     "\"from\":\"1001\",\"account_code\":\"8\"" };
	json_t *json;

	(void)state;
	begin(RECORD_WAV, 1);
	for (size_t i = 0; i < COUNT_OF(facts); i++) {
		size_t n = strlen(facts[i]), got = 0;

		feed(&(struct sound){ TAP_FROM_PARTY, (uint32_t)i, (uint32_t)i * 20,
				      MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
		assert_true(recorder_note(g_recorder, CALL, 1, bytes_str(facts[i])));
		for (unsigned k = 0; k < 500 && got != n + 1; k++) {
			(void)poll(NULL, 0, 10);
			got = file_get("000000000002d-1.1.wav.json.new");
		}
		assert_int_equal(got, n + 1);
		assert_memory_equal(g_file, facts[i], n);
		assert_int_equal(g_file[n], '\n');
	}
	assert_true(recorder_note(g_recorder, CALL, 2, bytes_str(facts[0]))); /* of nobody */
	recorder_close(g_recorder);
	json = sidecar_get("000000000002d-1.1.wav");
	assert_string_equal(json_string_value(json_object_get(json, "account_code")), "8");
	json_decref(json);
	rig_open(10);
}

/* ---- messages ---- */

enum {
	QUIET_MS = 400,
	LEAD_MS = 1000,
	SPOKEN_MS = 600,
	PAUSE_MS = 700,
	LAST_MS = 300,
	REST_MS = 2000
};

static void begin_message(uint16_t segment)
{
	begin_terms(&(struct record_terms){ .call = CALL,
					    .number = 1,
					    .segment = segment,
					    .tenant = "acme",
					    .format = RECORD_PCAPNG,
					    .begun_utc_ms = (uint64_t)BEGUN_S * 1000,
					    .message = true,
					    .silence_ms = QUIET_MS });
}

static uint32_t feed_for(uint32_t at_ms, uint32_t ms, bool silent)
{
	g_silent = silent;
	for (uint32_t end = at_ms + ms; at_ms < end; at_ms += 20)
		feed(&(struct sound){ TAP_FROM_PARTY, at_ms / 20, at_ms, MEDIA_CODEC_PCMU,
				      TAP_SOUND, 0 });
	g_silent = false;
	return at_ms;
}

/* Behind what it told of how it grew. */
static struct recorder_results told_of(enum recorder_event event)
{
	struct recorder_results told = told_wait();

	while (told.event != event)
		told = told_wait();
	return told;
}

/* Whether the mono file has that packet there. */
static bool message_has(uint32_t number, uint32_t at_ms)
{
	uint8_t want[FRAME];

	payload_make(want, TAP_FROM_PARTY, number);
	return memcmp(g_file + WAV_HEAD_LEN + (size_t)at_ms * 8, want, FRAME) == 0;
}

/* It has what was said, the pause in it, and a moment around it. What the party heard is not in there. */
static void test_message(void **state)
{
	struct recorder_results told;
	struct wav_head head;
	uint32_t at = 0, first, last;
	json_t *json;
	size_t n;

	(void)state;
	begin_message(1);
	at = first = feed_for(at, LEAD_MS, true);
	at = feed_for(at, SPOKEN_MS, false);
	feed(&(struct sound){ TAP_TO_PARTY, 3, at, MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	at = last = feed_for(at, PAUSE_MS, true);
	at = feed_for(at, LAST_MS, false);
	(void)feed_for(at, REST_MS, true);
	feed_wait();
	assert_true(recorder_end(g_recorder, CALL, 1, true, BYTES_LIT("\"from\":\"1001\"")));
	told = told_of(RECORDER_ENDED);
	assert_true(told.message);
	n = file_get(told.file);
	assert_int_equal(n, WAV_HEAD_LEN + told.duration_ms * 8);
	assert_int_equal(wav_head_parse(&head, bytes_mem(g_file, n)), 0);
	assert_true(head.mono);
	assert_int_equal(head.data_octets, n - WAV_HEAD_LEN);
	/* of the sound the voice activity has a little more */
	assert_in_range(told.duration_ms, 200 + SPOKEN_MS + PAUSE_MS + LAST_MS + 200,
			200 + SPOKEN_MS + PAUSE_MS + LAST_MS + 500);
	assert_true(message_has(first / 20, 200));
	assert_true(message_has(last / 20, 200 + SPOKEN_MS + PAUSE_MS));
	json = sidecar_get(told.file);
	assert_int_equal(sidecar_int(json, "channels"), 1);
	assert_int_equal(sidecar_int(json, "heard_packets"), 0);
	json_decref(json);
}

/* Of a conference: one channel, a WAV file whatever is set, with the silence at its ends; nobody is told how long it is by now. */
/* It lies apart from recordings, and goes. */
static void test_name(void **state)
{
	struct record_terms t = { .call = CALL,
				  .number = 1,
				  .segment = 1,
				  .tenant = "acme",
				  .begun_utc_ms = (uint64_t)BEGUN_S * 1000,
				  .message = true,
				  .name = true };
	char path[160];
	uint32_t at;

	(void)state;
	begin_terms(&t);
	at = feed_for(0, SPOKEN_MS, false);
	(void)feed_for(at, REST_MS, true);
	feed_wait();
	assert_true(recorder_end(g_recorder, CALL, 1, true, (struct bytes){ 0 }));
	(void)snprintf(path, sizeof(path), "%s/recordings/" RECORD_NAMES "/acme/%s", g_folder,
		       told_of(RECORDER_ENDED).file);
	assert_int_equal(access(path, R_OK), 0);
	assert_true(recorder_forget(g_recorder, &t));
	for (unsigned i = 0; access(path, F_OK) == 0 && i < 100; i++)
		(void)poll(NULL, 0, 20);
	assert_int_equal(access(path, F_OK), -1);
	(void)strcat(path, ".json");
	assert_int_equal(access(path, F_OK), -1);
}

static void test_mix(void **state)
{
	struct recorder_results told;
	struct wav_head head;
	uint32_t at = 0;
	json_t *json;
	size_t n;

	(void)state;
	begin_terms(&(struct record_terms){ .call = CALL,
					    .number = 1,
					    .segment = 1,
					    .tenant = "acme",
					    .format = RECORD_PCAPNG,
					    .begun_utc_ms = (uint64_t)BEGUN_S * 1000,
					    .mix = true });
	at = feed_for(at, LEAD_MS, true);
	at = feed_for(at, SPOKEN_MS, false);
	feed(&(struct sound){ TAP_TO_PARTY, 3, at, MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	(void)feed_for(at, REST_MS, true);
	feed_wait();
	told = end(true);
	assert_int_equal(told.event, RECORDER_ENDED);
	assert_false(told.message);
	n = file_get(told.file);
	assert_int_equal(wav_head_parse(&head, bytes_mem(g_file, n)), 0);
	assert_true(head.mono);
	assert_int_equal((n - WAV_HEAD_LEN) / 8,
			 told.duration_ms); /* with parts of a millisecond, where it ended late */
	assert_true(told.duration_ms >= LEAD_MS + SPOKEN_MS + REST_MS); /* until it is ended */
	json = sidecar_get(told.file);
	assert_int_equal(sidecar_int(json, "channels"), 1);
	assert_int_equal(sidecar_int(json, "heard_packets"), 0);
	json_decref(json);
}

/* Silence is told once; who never says a word has a file without a sample. */
static void test_message_of_nobody(void **state)
{
	struct recorder_results told;
	uint64_t begun_ns;

	(void)state;
	begin_message(1);
	begun_ns = g_begun_ns;
	(void)feed_for(0, LEAD_MS, true);
	assert_int_equal(told_wait().event, RECORDER_QUIET);
	assert_true(clock_now_ns() - begun_ns >= QUIET_MS * NS_PER_MS);
	told = end(true);
	assert_int_equal(told.event, RECORDER_ENDED);
	assert_int_equal(told.duration_ms, 0);
	assert_int_equal(file_get(told.file), WAV_HEAD_LEN);
}

/* The process dies: what was said is in the file up to then, and no silence behind it. */
static void test_message_left_behind(void **state)
{
	uint64_t until_ns = clock_now_ns() + 10 * NS_PER_S;
	uint8_t first[FRAME];
	size_t n = 0;

	(void)state;
	begin_message(1);
	(void)feed_for(feed_for(0, SPOKEN_MS, false), REST_MS, true);
	while (n < WAV_HEAD_LEN + SPOKEN_MS * 8 && clock_now_ns() < until_ns) {
		(void)poll(NULL, 0, 20);
		n = file_get("000000000002d-1.1.wav");
	}
	assert_in_range(n, WAV_HEAD_LEN + SPOKEN_MS * 8, WAV_HEAD_LEN + (SPOKEN_MS + 600) * 8);
	/* at its beginning, or later by what the test stood still between begin and its clock */
	payload_make(first, TAP_FROM_PARTY, 0);
	assert_non_null(memmem(g_file + WAV_HEAD_LEN, n - WAV_HEAD_LEN, first, FRAME));
}

/* A further segment of a message that was begun the day before lies beside the first one. */
static void test_message_over_midnight(void **state)
{
	struct recorder_results told;

	(void)state;
	begin_terms(&(struct record_terms){ .call = CALL,
					    .number = 1,
					    .segment = 2,
					    .tenant = "acme",
					    .begun_utc_ms = ((uint64_t)BEGUN_S + 86400) * 1000,
					    .day_utc_ms = (uint64_t)BEGUN_S * 1000,
					    .message = true });
	assert_true(recorder_end(g_recorder, CALL, 1, true, BYTES_LIT("\"from\":\"1001\"")));
	told = told_of(RECORDER_ENDED);
	assert_int_equal(file_get(told.file), WAV_HEAD_LEN);
}

/* A machine that was suspended for a minute: what comes next is where it belongs, silence before it. */
static void test_stood_still(void **state)
{
	struct recorder_results told;
	size_t n, late;

	(void)state;
	begin(RECORD_WAV, 1);
	for (uint32_t i = 0; i < 50; i++)
		feed(&(struct sound){ TAP_FROM_PARTY, i, i * 20 + (i < 25 ? 0 : 60000),
				      MEDIA_CODEC_PCMU, TAP_SOUND, 0 });
	feed_wait();
	assert_true(recorder_end(g_recorder, CALL, 1, true, BYTES_LIT("\"from\":\"1001\"")));
	told = told_wait();
	assert_int_equal(told.event, RECORDER_ENDED);
	n = file_get(told.file);
	assert_in_range(n, WAV_HEAD_LEN + 60000 * 16, WAV_HEAD_LEN + 62000 * 16);
	late = first_sample(0, 0);
	assert_true(file_has(TAP_FROM_PARTY, 24, 480, late));
	assert_int_equal(g_file[WAV_HEAD_LEN + 30000 * 16], 0xff);
	(void)first_sample(25, 60500);
}

/* The same of a message, in which that is a pause. */
static void test_message_stood_still(void **state)
{
	uint32_t at;

	(void)state;
	begin_message(1);
	at = feed_for(0, SPOKEN_MS, false);
	(void)feed_for(at + 60000, LAST_MS, false);
	feed_wait();
	assert_true(recorder_end(g_recorder, CALL, 1, true, BYTES_LIT("\"from\":\"1001\"")));
	assert_in_range(told_of(RECORDER_ENDED).duration_ms, 60000, 62000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_wav, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_pcapng_and_pause, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_wav_pause, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_other_codecs, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_segment_is_there, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_too_many, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_trouble, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_left_behind, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_noted, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_message, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_name, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mix, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_message_of_nobody, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_message_left_behind, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_message_over_midnight, rig_setup,
						rig_teardown),
		cmocka_unit_test_setup_teardown(test_stood_still, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_message_stood_still, rig_setup, rig_teardown),
	};

	recorder_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
