/* SPDX-License-Identifier: Apache-2.0 */
#include "app/sound/sound_recording.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "sig/model/recording.h"

enum { RECORDED_DAY_LEN = 10, SEGMENTS_MAX = 32, RECORDING_FILE_MAX = SOUND_NAME_MAX + 16 };

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
	return strlen(name) == RECORDED_DAY_LEN && name[4] == '-' && name[7] == '-';
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

/* Where segments lie: among the recordings of a tenant, or in the folder of names, below root. */
struct segments {
	DIR *tenant; /* NULL: names */
	int root;
	const struct sound_name *name;
	struct media_sound *parts[SEGMENTS_MAX];
	uint32_t count;
};

static struct media_sound *segment_read(const struct segments *of, uint32_t number,
					struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	const char *const path[] = { SOUND_SPOKEN_FOLDER, of->name->tenant, file };

	(void)snprintf(file, sizeof(file), "%s.%u.wav", of->name->file, number);
	if (of->tenant)
		return recording_file_read(of->tenant, file, of->name->rate_hz, fault);
	return sound_path_read(of->root, path, COUNT_OF(path), of->name->rate_hz, fault);
}

/* As long as segments follow each other. One that a process left empty or damaged is passed over: what was said before and behind it is
 * heard. fault: of the last one that is not heard, where that says why none is. */
static void segments_read(struct segments *of, struct sound_fault *fault)
{
	struct sound_fault own = { 0 };

	*fault = (struct sound_fault){ .absent = true };
	for (uint32_t i = 1; i <= SEGMENTS_MAX && !own.absent; i++) {
		struct media_sound *s = segment_read(of, i, &own);

		if (s)
			of->parts[of->count++] = s;
		else if (!own.absent)
			*fault = own;
		if (!s && !own.absent)
			LOG_WARN("sound", 0, "a segment of a recording cannot be played",
				 LOG_STR("tenant", of->name->tenant),
				 LOG_STR("recording", of->name->file), LOG_U64("segment", i),
				 LOG_STR("reason", own.reason), LOG_U64("at", own.at));
		if (own.reason == SOUND_TOO_LONG)
			return;
	}
}

static struct media_sound *segments_join(struct segments *of, struct sound_fault *fault)
{
	struct media_sound *s = NULL;
	uint64_t length = 0;

	segments_read(of, fault);
	for (uint32_t i = 0; i < of->count; i++)
		length += of->parts[i]->length;
	if (length > (uint64_t)of->name->rate_hz * SOUND_SECONDS_MAX)
		*fault = (struct sound_fault){ .reason = SOUND_TOO_LONG };
	if (of->count && fault->reason != SOUND_TOO_LONG) {
		s = sounds_join(of->parts, of->count, of->name->rate_hz);
		*fault = (struct sound_fault){ .reason = s ? NULL : "no memory" };
	}
	while (of->count > 0)
		media_sound_drop(of->parts[--of->count]);
	return s;
}

static struct media_sound *recording_read(DIR *tenant, const struct sound_name *name,
					  struct sound_fault *fault)
{
	char file[RECORDING_FILE_MAX];
	struct segments of = { .tenant = tenant, .name = name };
	struct media_sound *s;

	(void)snprintf(file, sizeof(file), "%s.wav", name->file);
	s = recording_file_read(tenant, file, name->rate_hz, fault);
	if (!s && fault->absent)
		s = segments_join(&of, fault);
	if (!s && fault->absent)
		fault->reason = "this node has no such recording: recording.list has them";
	return s;
}

/* In its segments, where the process died while it was said. */
static struct media_sound *spoken_read(int root, const struct sound_name *name,
				       struct sound_fault *fault)
{
	struct segments of = { .root = root, .name = name };
	struct media_sound *s = segments_join(&of, fault);

	if (!s && fault->absent)
		fault->reason = "this node has no such name";
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
