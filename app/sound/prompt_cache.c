/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of prompts by hash, and the table from tenant, language and name to a hash. sounds.c
 * runs its works on the helper thread; prompts.c asks for them. Octets are verified against
 * their hash when they are read, and written by rename, so a file is whole or absent. Unused files
 * are swept two days later, as calls may still play them.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/sound/prompt_cache.h"
#include "app/sound/sound_prompt.h"
#include "base/clock.h"
#include "base/file.h"

enum { NAMES_MAX = 1 << 20, FILE_MODE = 0640, FOLDER_MODE = 0750, SWEEP_S = 2 * 86400 };

/* ---- names ---- */

struct prompt_name {
	char tenant[SOUND_NAME_MAX + 1], name[SOUND_NAME_MAX + 1], language[LANGUAGE_MAX];
	char hash[PROMPT_HASH_TEXT];
};

static uint64_t prompt_name_hash(const char *tenant, const char *language, const char *name)
{
	uint32_t crc = hash_crc32c(0, bytes_mem(tenant, strlen(tenant) + 1));

	crc = hash_crc32c(crc, bytes_mem(language, strlen(language) + 1));
	return hash_crc32c(crc, bytes_str(name));
}

static struct prompt_name *prompt_name_find(const struct prompt_cache *c, const char *tenant,
					    const char *language, const char *name)
{
	uint64_t hash = prompt_name_hash(tenant, language, name), value;
	uint32_t cursor = 0;

	while (c->folder && (value = table_next(&c->names, hash, &cursor)) != 0) {
		struct prompt_name *p = (struct prompt_name *)(uintptr_t)value;

		if (!strcmp(p->tenant, tenant) && !strcmp(p->language, language) &&
		    !strcmp(p->name, name))
			return p;
	}
	return NULL;
}

const char *prompt_cache_find(const struct prompt_cache *c, const char *tenant,
			      const char *language, const char *name)
{
	const struct prompt_name *p = prompt_name_find(c, tenant, language, name);

	return p ? p->hash : NULL;
}

static void prompt_name_drop(struct prompt_cache *c, struct prompt_name *p)
{
	(void)table_del(&c->names, prompt_name_hash(p->tenant, p->language, p->name),
			(uint64_t)(uintptr_t)p);
	free(p);
}

/* False: no memory. */
static bool prompt_name_set(struct prompt_cache *c, const struct prompt_work *w)
{
	const struct sound_name *of = &w->of;
	struct prompt_name *p = prompt_name_find(c, of->tenant, of->language, of->file);

	if (!w->hash[0]) {
		if (p)
			prompt_name_drop(c, p);
		return true;
	}
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p || table_put(&c->names, prompt_name_hash(of->tenant, of->language, of->file),
				    (uint64_t)(uintptr_t)p)) {
			free(p);
			return false;
		}
		memcpy(p->tenant, of->tenant, sizeof(p->tenant));
		memcpy(p->name, of->file, sizeof(p->name));
		memcpy(p->language, of->language, sizeof(p->language));
	}
	memcpy(p->hash, w->hash, sizeof(p->hash));
	return true;
}

/* ---- files ---- */

bool prompt_hash_is_good(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("0123456789abcdef", text.p[i], 16))
			return false;
	return text.n == PROMPT_HASH_TEXT - 1;
}

void prompt_hash_of(struct bytes octets, char out[PROMPT_HASH_TEXT])
{
	uint8_t hash[EVP_MAX_MD_SIZE] = { 0 };
	struct writer w = writer_over(out, PROMPT_HASH_TEXT);
	unsigned n = 0;

	(void)EVP_Digest(octets.p, octets.n, hash, &n, EVP_sha256(), NULL);
	writer_hex(&w, bytes_mem(hash, n));
	out[w.n] = '\0';
}

/* -1: no folder. */
static int cache_folder(const struct prompt_cache *c)
{
	return c->folder ? open(c->folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

struct media_sound *prompt_cache_read(const struct prompt_cache *c, const char *hash,
				      uint32_t rate_hz, struct sound_fault *fault)
{
	int folder = cache_folder(c);
	struct media_sound *s = NULL;

	*fault = (struct sound_fault){ .reason = "no such prompt", .absent = true };
	if (folder >= 0) {
		s = sound_path_read(folder, &hash, 1, rate_hz, fault);
		(void)close(folder);
	}
	return s;
}

static void octets_load(const struct prompt_cache *c, struct prompt_work *w)
{
	static const char WRONG[] = "the file of a prompt is damaged";
	const char *path = w->hash;
	char hash[PROMPT_HASH_TEXT];
	int folder = cache_folder(c);

	w->fault = (struct sound_fault){ .reason = "no such prompt", .absent = true };
	if (folder < 0)
		return;
	w->fault.reason = sound_path_load(folder, &path, 1, PROMPT_OCTETS_MAX, &w->octets, &w->n);
	(void)close(folder);
	if (!w->fault.reason) {
		prompt_hash_of(bytes_mem(w->octets, w->n), hash);
		w->fault.reason = strcmp(hash, w->hash) != 0 ? WRONG : NULL;
	}
	w->fault.absent = w->fault.reason != NULL; /* it is fetched from Redis again */
}

static void octets_save(const struct prompt_cache *c, struct prompt_work *w)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", c->folder ? c->folder : "", w->hash);
	int err = -ENOENT;

	if (c->folder && n < (int)sizeof(path)) {
		(void)mkdir(c->folder, FOLDER_MODE);
		err = file_replace(path, FILE_MODE, bytes_mem(w->octets, w->n));
	}
	if (err)
		w->fault.reason = err == -ENOSPC || err == -EDQUOT
					  ? "the disk of the node is full"
					  : "the node cannot write into the folder prompts";
	w->disk = err != 0;
}

static void work_read(const struct prompt_cache *c, struct prompt_work *w)
{
	struct media_sound *s = NULL;

	w->fault.reason = w->fd >= 0 ? sound_fd_load(w->fd, PROMPT_OCTETS_MAX, &w->octets, &w->n)
				     : sound_recording_load(c->recordings, &w->of,
							    PROMPT_OCTETS_MAX, &w->octets, &w->n);
	if (!w->fault.reason)
		s = sound_octets_read(bytes_mem(w->octets, w->n), PROMPT_LENGTH_RATE, &w->fault);
	if (!s)
		return;
	w->length_ms = (uint32_t)((uint64_t)s->length * 1000 / s->rate_hz);
	media_sound_unref(s);
	prompt_hash_of(bytes_mem(w->octets, w->n), w->hash);
	octets_save(c, w);
}

static void work_name(struct prompt_cache *c, struct prompt_work *w)
{
	char hash[PROMPT_HASH_TEXT];

	if (w->octets) {
		prompt_hash_of(bytes_mem(w->octets, w->n), hash);
		if (strcmp(hash, w->hash) != 0)
			w->fault.reason = "its octets in Redis have another hash";
		else
			octets_save(c, w);
	} else if (w->hash[0]) {
		octets_load(c, w);
	}
	free(w->octets);
	w->octets = NULL;
	if (!w->fault.reason && c->folder && !prompt_name_set(c, w))
		w->fault.reason = "no memory";
}

/* ---- unused files ---- */

static bool hash_is_meant(const struct prompt_cache *c, const char *hash)
{
	for (uint32_t i = 0; c->names.slots && i <= c->names.mask; i++) {
		const struct prompt_name *p =
			(const struct prompt_name *)(uintptr_t)c->names.slots[i].value;

		if (p && !strcmp(p->hash, hash))
			return true;
	}
	return false;
}

/* The time of a file is when a name last meant it. */
static void file_sweep(const struct prompt_cache *c, int folder, const char *name, time_t now)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return;
	if (prompt_hash_is_good(bytes_str(name)) && hash_is_meant(c, name))
		(void)utimensat(folder, name, NULL, 0);
	else if (now - st.st_mtime > SWEEP_S)
		(void)unlinkat(folder, name, 0);
}

static void cache_sweep(const struct prompt_cache *c)
{
	DIR *folder = c->folder ? opendir(c->folder) : NULL;
	time_t now = (time_t)(clock_utc_ms() / 1000);
	const struct dirent *e;

	while (folder && (e = readdir(folder)))
		file_sweep(c, dirfd(folder), e->d_name, now);
	if (folder)
		(void)closedir(folder);
}

void prompt_cache_work(struct prompt_cache *c, struct prompt_work *w)
{
	w->fault = (struct sound_fault){ 0 };
	switch (w->kind) {
	case PROMPT_WORK_READ:
		work_read(c, w);
		break;
	case PROMPT_WORK_NAME:
		work_name(c, w);
		break;
	case PROMPT_WORK_OCTETS:
		octets_load(c, w);
		break;
	case PROMPT_WORK_SWEEP:
		cache_sweep(c);
		break;
	}
}

void prompt_work_free(struct prompt_work *w)
{
	if (w && w->kind == PROMPT_WORK_READ && w->fd >= 0)
		(void)close(w->fd);
	if (w)
		free(w->octets);
	free(w);
}

int prompt_cache_open(struct prompt_cache *c, const char *folder, const char *recordings)
{
	*c = (struct prompt_cache){ .recordings = recordings };
	if (!folder)
		return 0;
	if (table_open(&c->names, NAMES_MAX))
		return -ENOMEM;
	c->folder = malloc(strlen(folder) + 1);
	if (!c->folder)
		return -ENOMEM;
	memcpy(c->folder, folder, strlen(folder) + 1);
	return 0;
}

void prompt_cache_close(struct prompt_cache *c)
{
	for (uint32_t i = 0; c->names.slots && i <= c->names.mask; i++)
		free((void *)(uintptr_t)c->names.slots[i].value);
	if (c->names.slots)
		table_close(&c->names);
	free(c->folder);
	*c = (struct prompt_cache){ 0 };
}
