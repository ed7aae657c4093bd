/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that a speech engine speaks into a WAV file: a program for each, which reads the text from
 * its standard input, so that no list of processes has it. The folder of these files is bounded:
 * those played longest ago go. A web server may speak in their place: media.speech_url. If it
 * fails, the programs do.
 *
 * args: file (a path without an ending), language, voice, text, url.
 * result: said: true; false: no engine is installed. url, status and fetch (the error) of a web
 * server that was asked.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/helper/asked.h"
#include "app/helper/helper.h"
#include "base/bytes.h"
#include "base/log.h"

enum {
	SAY_OCTETS_MAX = 256 << 20, /* of all files */
	SAY_FOLDER_MODE = 0750,
	SAY_ARGV_MAX = 8,
	SAY_FETCH_MAX = 16 << 20,
	SAY_FETCH_MS = 3000, /* then an engine has its turn */
	SAY_FILE_MODE = 0640,
};

struct say {
	json_t *args;         /* a reference */
	char file[PATH_MAX];  /* while it is written */
	const char *finished; /* of args */
	bool waits;           /* too many programs run */
	/* a web server, if there is one */
	struct http_own own;
	struct curl_slist *headers;
	char *body;
	int out; /* -1: none */
	size_t octets;
	char head[4];
	long status;
	const char *fetch; /* why it has not said it; NULL: it was not asked, or has */
};

/* ---- engines ---- */

struct engine {
	const char *path;
	/* The arguments that have it read standard input and write that file. */
	void (*argv)(const char *argv[SAY_ARGV_MAX], const char *file, const char *language,
		     const char *voice);
};

/* The language names the voice: de-AT has that of de. */
static void espeak_argv(const char *argv[SAY_ARGV_MAX], const char *file, const char *language,
			const char *voice)
{
	const char *const all[] = { "/usr/bin/espeak-ng",
				    "-v",
				    voice[0]      ? voice
				    : language[0] ? language
						  : "en",
				    "--stdin",
				    "-w",
				    file,
				    NULL };

	memcpy(argv, all, sizeof(all));
}

#define FLITE "flite"

/* It says English alone. voice: flite, or flite-NAME. */
static void flite_argv(const char *argv[SAY_ARGV_MAX], const char *file, const char *language,
		       const char *voice)
{
	const char *const all[] = { "/usr/bin/flite",
				    "-f",
				    "-",
				    "-o",
				    file,
				    "-voice",
				    voice[0] && voice[strlen(FLITE)] ? voice + strlen(FLITE) + 1
								     : "slt",
				    NULL };

	(void)language;
	memcpy(argv, all, sizeof(all));
}

static const struct engine g_engines[] = { { "/usr/bin/espeak-ng", espeak_argv },
					   { "/usr/bin/flite", flite_argv } };
enum { ENGINE_ESPEAK, ENGINE_FLITE };

static bool voice_is_of_flite(const char *voice)
{
	size_t n = strlen(FLITE);

	return !strncmp(voice, FLITE, n) && (!voice[n] || voice[n] == '-');
}

/* The one that the voice names, else the first that is there. NULL: none. */
static const struct engine *engine_find(const char *language, const char *voice)
{
	bool english = !language[0] || !strncmp(language, "en", 2);

	if (!voice_is_of_flite(voice) && !access(g_engines[ENGINE_ESPEAK].path, X_OK))
		return &g_engines[ENGINE_ESPEAK];
	if ((voice_is_of_flite(voice) || (english && !voice[0])) &&
	    !access(g_engines[ENGINE_FLITE].path, X_OK))
		return &g_engines[ENGINE_FLITE];
	return NULL;
}

/* ---- the folder ---- */

/* What all files have together, and the one that was played longest ago. */
static uint64_t folder_measure(DIR *folder, char oldest[NAME_MAX + 1])
{
	struct timespec since = { 0 };
	uint64_t octets = 0;
	struct dirent *e;
	struct stat st;

	oldest[0] = '\0';
	rewinddir(folder);
	while ((e = readdir(folder))) {
		if (fstatat(dirfd(folder), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		octets += (uint64_t)st.st_size;
		if (oldest[0] &&
		    (st.st_mtim.tv_sec > since.tv_sec ||
		     (st.st_mtim.tv_sec == since.tv_sec && st.st_mtim.tv_nsec >= since.tv_nsec)))
			continue;
		since = st.st_mtim;
		memcpy(oldest, e->d_name, strlen(e->d_name) + 1);
	}
	return octets;
}

static void folder_path(const struct say *s, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s", s->file);
	*strrchr(out, '/') = '\0';
}

static void folder_bound(const struct say *s)
{
	char path[PATH_MAX], oldest[NAME_MAX + 1];
	DIR *folder;

	folder_path(s, path);
	folder = opendir(path);
	while (folder && folder_measure(folder, oldest) > SAY_OCTETS_MAX && oldest[0])
		(void)unlinkat(dirfd(folder), oldest, 0);
	if (folder)
		(void)closedir(folder);
}

/* ---- requests ---- */

static const char *say_arg(const struct say *s, const char *name)
{
	const char *value = json_string_value(json_object_get(s->args, name));

	return value ? value : "";
}

/* A descriptor to read the text from; it fits into a pipe. -1: error. */
static int say_text_open(const char *text)
{
	size_t n = strlen(text);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	if (n > PIPE_BUF || write(ends[1], text, n) != (ssize_t)n) {
		(void)close(ends[0]);
		ends[0] = -1;
	}
	(void)close(ends[1]);
	return ends[0];
}

/* ---- a web server ---- */

static bool say_asks(const struct say *s)
{
	return say_arg(s, "url")[0] && !s->own.easy && !voice_is_of_flite(say_arg(s, "voice"));
}

static size_t say_on_octets(char *data, size_t size, size_t n, void *arg)
{
	struct say *s = arg;
	size_t has = s->octets < sizeof(s->head) ? s->octets : sizeof(s->head), lacks;

	n *= size;
	lacks = sizeof(s->head) - has;
	if (n > SAY_FETCH_MAX - s->octets)
		return 0;
	memcpy(s->head + has, data, lacks < n ? lacks : n);
	s->octets += n;
	return write(s->out, data, n) == (ssize_t)n ? n : 0;
}

static bool say_request(struct helper *h, struct helper_request *r, struct say *s)
{
	bool ok = http_own_open(&s->own, r, say_arg(s, "url"), "http,https", "", 0);
	json_t *body = json_pack("{s:s, s:s, s:s}", "text", say_arg(s, "text"), "language",
				 say_arg(s, "language"), "voice", say_arg(s, "voice"));
	CURL *e = s->own.easy;

	s->body = body ? json_dumps(body, JSON_COMPACT) : NULL;
	s->headers = curl_slist_append(NULL, "Content-Type: application/json");
	json_decref(body);
	s->out = open(s->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, SAY_FILE_MODE);
	if (!ok || !s->body || !s->headers || s->out < 0)
		return false;
	(void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, s->headers);
	(void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, s->body);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)SAY_FETCH_MS);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, say_on_octets);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
	return curl_multi_add_handle(h->multi, e) == CURLM_OK;
}

/* Reports on that server, too. */
static void say_answer(struct helper *h, struct helper_request *r, bool said)
{
	const struct say *s = r->work;
	json_t *result = json_pack("{s:b}", "said", said);

	if (result && s->own.easy)
		(void)json_object_update_new(
			result,
			json_pack("{s:o, s:I, s:s}", "url",
				  asked_url(bytes_str(say_arg(s, "url")), NULL, true), "status",
				  (json_int_t)s->status, "fetch", s->fetch ? s->fetch : ""));
	helper_answer(h, r, result);
}

/* ---- an engine ---- */

static void say_run(struct helper *h, struct helper_request *r)
{
	struct say *s = r->work;
	const char *language = say_arg(s, "language"), *voice = say_arg(s, "voice");
	const struct engine *engine = engine_find(language, voice);
	const char *argv[SAY_ARGV_MAX];
	int in, err;

	if (!engine) {
		say_answer(h, r, false);
		return;
	}
	in = say_text_open(say_arg(s, "text"));
	engine->argv(argv, s->file, language, voice);
	err = in < 0 ? -EIO : helper_child(h, r, (char *const *)(uintptr_t)argv, in, -1);
	if (in >= 0)
		(void)close(in);
	s->waits = err == -EAGAIN;
	if (err && !s->waits)
		helper_fail(h, r, "the speech engine cannot be started");
}

static const char *fetch_wrong(const struct say *s, CURLcode code)
{
	if (code != CURLE_OK)
		return code == CURLE_OPERATION_TIMEDOUT ? "timeout" : "unreachable";
	if (s->status < 200 || s->status >= 300)
		return "status";
	return s->octets > sizeof(s->head) && !memcmp(s->head, "RIFF", sizeof(s->head)) ? NULL
											: "no_wav";
}

static void say_fetched(struct helper *h, struct helper_request *r, CURLcode code)
{
	struct say *s = r->work;

	(void)curl_multi_remove_handle(h->multi, s->own.easy);
	(void)curl_easy_getinfo(s->own.easy, CURLINFO_RESPONSE_CODE, &s->status);
	s->fetch = fetch_wrong(s, code);
	if (!s->fetch && rename(s->file, s->finished))
		s->fetch = "disk";
	if (!s->fetch) {
		folder_bound(s);
		say_answer(h, r, true);
		return;
	}
	LOG_WARN("say", 0, "media.speech_url did not say a text", LOG_STR("reason", s->fetch),
		 LOG_INT("status", s->status), LOG_STR("next", "an engine of this machine"));
	(void)unlink(s->file);
	say_run(h, r);
}

static void say_start(struct helper *h, struct helper_request *r)
{
	struct say *s = r->work;

	if (!say_asks(s) || !say_request(h, r, s))
		say_run(h, r);
}

static void speech_start(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct say *s = calloc(1, sizeof(*s));
	char folder[PATH_MAX];
	int n;

	r->work = s;
	if (!s) {
		helper_fail(h, r, "no memory");
		return;
	}
	s->out = -1;
	s->args = json_incref((json_t *)(uintptr_t)args);
	s->finished = say_arg(s, "file");
	n = snprintf(s->file, sizeof(s->file), "%s.%" PRIu64 ".new", s->finished, r->id);
	if (s->finished[0] != '/' || n >= (int)sizeof(s->file)) {
		helper_fail(h, r, "no name of a file");
		return;
	}
	folder_path(s, folder);
	(void)mkdir(folder, SAY_FOLDER_MODE);
	say_start(h, r);
}

/* Those that wait for this one have their turn. */
static void say_reaped(struct helper *h, struct helper_request *r, int status)
{
	const struct say *s = r->work;
	bool said = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !rename(s->file, s->finished);

	if (said) {
		folder_bound(s);
		say_answer(h, r, true);
	} else {
		helper_fail(h, r,
			    "the speech engine has no such voice or language, or the disk is full");
	}
	for (uint32_t i = 0; i < HELPER_REQUESTS_MAX; i++) {
		struct helper_request *other = &h->requests[i];

		if (other->id && other->kind == &g_helper_say &&
		    ((const struct say *)other->work)->waits)
			say_run(h, other);
	}
}

static void say_end(struct helper *h, struct helper_request *r)
{
	struct say *s = r->work;

	if (!s)
		return;
	http_own_close(h, &s->own);
	curl_slist_free_all(s->headers);
	free(s->body);
	if (s->out >= 0)
		(void)close(s->out);
	(void)unlink(s->file); /* of one that was not finished */
	json_decref(s->args);
	free(s);
}

const struct helper_kind g_helper_say = { .name = "say",
					  .begin = speech_start,
					  .fetched = say_fetched,
					  .reaped = say_reaped,
					  .end = say_end };
