/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sound/sound_recording.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sig/model/recording.h"

enum { DAY_LEN = 10, SEGMENTS_MAX = 32, RECORDING_FILE_MAX = SOUND_NAME_MAX + 16 };

bool sound_recording_is_good(struct bytes name)
{
	struct bytes call;
	uint32_t number;
	uint64_t id;

	return bytes_cut(&name, '-', &call) && base32_u64_get(call, &id) == 0 &&
	       bytes_u32(name, &number) == 0 && number >= 1 && number <= RECORDING_NUMBER_MAX;
}

bool sound_recording_set(struct sound_name *out, struct bytes tenant, struct bytes file,
			 uint32_t rate_hz)
{
	bool spoken = bytes_starts(file, SOUND_SPOKEN_MARK);
	struct bytes name =
		bytes_from(file, strlen(spoken ? SOUND_SPOKEN_MARK : SOUND_RECORDING_MARK));

	if ((!spoken && !bytes_starts(file, SOUND_RECORDING_MARK)) ||
	    !sound_recording_is_good(name) || !sound_name_set(out, tenant, name, rate_hz))
		return false;
	out->kind = spoken ? SOUND_SPOKEN : SOUND_RECORDING;
	return true;
}

static bool is_day(const char *name)
{
	return strlen(name) == DAY_LEN && name[4] == '-' && name[7] == '-';
}

/* Of whatever day. tenant: open for reading; NULL with fault->absent: it is in none. */
static struct media_sound *recording_file_read(DIR *tenant, const char *file, uint32_t rate_hz,
					       struct sound_fault *fault)
{
	struct media_sound *s = NULL;
	const struct dirent *e;

	*fault = (struct sound_fault){ .absent = true };
	rewinddir(tenant);
	while (!s && fault->absent && (e = readdir(tenant))) {
		const char *const parts[] = { e->d_name, file };

		if (is_day(e->d_name))
			s = sound_path_read(dirfd(tenant), parts, COUNT_OF(parts), rate_hz, fault);
	}
	return s;
}

/* As long as segments follow each other. */
static uint32_t segments_read(DIR *tenant, const struct sound_name *name,
			      struct media_sound *parts[SEGMENTS_MAX], struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	uint32_t n = 0;

	do {
		(void)snprintf(file, sizeof(file), "%s.%u.wav", name->file, n + 1);
		parts[n] = recording_file_read(tenant, file, name->rate_hz, fault);
	} while (parts[n] && ++n < SEGMENTS_MAX);
	return n;
}

static struct media_sound *segments_join(DIR *tenant, const struct sound_name *name,
					 struct sound_fault *fault)
{
	struct media_sound *parts[SEGMENTS_MAX], *s = NULL;
	uint32_t n = segments_read(tenant, name, parts, fault);
	uint64_t length = 0;

	for (uint32_t i = 0; i < n; i++)
		length += parts[i]->length;
	if (length > (uint64_t)name->rate_hz * SOUND_SECONDS_MAX) {
		*fault = (struct sound_fault){ .reason = "longer than 10 minutes" };
	} else if (n && fault->absent) {
		s = sounds_join(parts, n, name->rate_hz);
		*fault = (struct sound_fault){ .reason = s ? NULL : "no memory" };
	}
	while (n > 0)
		media_sound_drop(parts[--n]);
	return s;
}

static struct media_sound *recording_read(DIR *tenant, const struct sound_name *name,
					  struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	struct media_sound *s;

	(void)snprintf(file, sizeof(file), "%s.wav", name->file);
	s = recording_file_read(tenant, file, name->rate_hz, fault);
	if (!s && fault->absent)
		s = segments_join(tenant, name, fault);
	if (!s && fault->absent)
		fault->reason = "this node has no such recording: recording.list has them";
	return s;
}

/* In its segments, where the process died while it was said. */
static struct media_sound *spoken_read(int root, const struct sound_name *name,
				       struct sound_fault *fault)
{
	struct media_sound *parts[SEGMENTS_MAX], *s = NULL;
	char file[RECORDING_FILE_MAX];
	const char *const path[] = { SOUND_SPOKEN_FOLDER, name->tenant, file };
	uint32_t n = 0;

	do {
		(void)snprintf(file, sizeof(file), "%s.%u.wav", name->file, n + 1);
		parts[n] = sound_path_read(root, path, COUNT_OF(path), name->rate_hz, fault);
	} while (parts[n] && ++n < SEGMENTS_MAX);
	if (n)
		s = sounds_join(parts, n, name->rate_hz);
	*fault = (struct sound_fault){ .reason = s ? NULL : "this node has no such name" };
	while (n > 0)
		media_sound_drop(parts[--n]);
	return s;
}

struct media_sound *sound_recording_read(const char *folder, const struct sound_name *name,
					 struct sound_fault *fault)
{
	int root = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = root < 0 || name->kind == SOUND_SPOKEN
			 ? -1
			 : openat(root, name->tenant,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *tenant = fd < 0 ? NULL : fdopendir(fd);
	struct media_sound *s = NULL;

	*fault = (struct sound_fault){ .reason = "the tenant has no recordings here" };
	if (root >= 0 && name->kind == SOUND_SPOKEN)
		s = spoken_read(root, name, fault);
	if (tenant)
		s = recording_read(tenant, name, fault);
	if (tenant)
		(void)closedir(tenant);
	else if (fd >= 0)
		(void)close(fd);
	if (root >= 0)
		(void)close(root);
	return s;
}
