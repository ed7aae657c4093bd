/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts that a speech engine says into a file, WAV: a program for each, which reads the text from its standard input, so that no list of
 * processes has it. The folder of these files is bounded: those that were played longest ago go.
 *
 *     args:   file (a path without an end), language, voice, text
 *     result: said: true; false: no engine is installed
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

#include "app/helper/helper.h"
#include "base/bytes.h"

enum {
	SAY_OCTETS_MAX = 256 << 20, /* of all files */
	SAY_FOLDER_MODE = 0750,
	SAY_ARGV_MAX = 8,
};

struct say {
	json_t *args;         /* a reference */
	char file[PATH_MAX];  /* while it is written */
	const char *finished; /* of args */
	bool waits;           /* too many programs run */
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

/* A descriptor from which the text can be read; it fits into a pipe. -1: there is none. */
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

static void say_start(struct helper *h, struct helper_request *r)
{
	struct say *s = r->work;
	const char *language = say_arg(s, "language"), *voice = say_arg(s, "voice");
	const struct engine *engine = engine_find(language, voice);
	const char *argv[SAY_ARGV_MAX];
	int in, err;

	if (!engine) {
		helper_answer(h, r, json_pack("{s:b}", "said", 0));
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

static void say_begin(struct helper *h, struct helper_request *r, const json_t *args)
{
	struct say *s = calloc(1, sizeof(*s));
	char folder[PATH_MAX];
	int n;

	r->work = s;
	if (!s) {
		helper_fail(h, r, "no memory");
		return;
	}
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
		helper_answer(h, r, json_pack("{s:b}", "said", 1));
	} else {
		helper_fail(h, r,
			    "the speech engine has no such voice or language, or the disk is full");
	}
	for (uint32_t i = 0; i < HELPER_REQUESTS_MAX; i++) {
		struct helper_request *other = &h->requests[i];

		if (other->id && other->kind == &g_helper_say &&
		    ((const struct say *)other->work)->waits)
			say_start(h, other);
	}
}

static void say_end(struct helper *h, struct helper_request *r)
{
	struct say *s = r->work;

	(void)h;
	if (!s)
		return;
	(void)unlink(s->file); /* of one that was not finished */
	json_decref(s->args);
	free(s);
}

const struct helper_kind g_helper_say = {
	.name = "say", .begin = say_begin, .reaped = say_reaped, .end = say_end
};
