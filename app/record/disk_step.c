/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one file, an operation at a time: made, written, ended, synced, its sidecar written, synced and renamed, closed. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "app/record/disk_state.h"
#include "base/clock.h"

enum { FOLDERS = 2 };

/* Of all files, in each kind of silence that there is: mu-law, A-law, PCM. */
static struct bytes silence_of(uint8_t octet)
{
	static uint8_t ulaw[DISK_CHUNK], alaw[DISK_CHUNK], zeros[DISK_CHUNK];
	uint8_t *p = octet == 0xff ? ulaw : octet == 0xd5 ? alaw : zeros;

	if (*p != octet)
		memset(p, octet, DISK_CHUNK);
	return bytes_mem(p, DISK_CHUNK);
}

/* PATH without its last n parts. */
static void folder_of(char out[DISK_PATH_MAX], const char *path, unsigned n)
{
	size_t length = strnlen(path, DISK_PATH_MAX - 1);

	for (; n; n--) {
		while (length && path[length - 1] != '/')
			length--;
		length -= length > 0;
	}
	memcpy(out, path, length);
	out[length] = '\0';
}

static void op_make(struct disk_file *f, struct disk_op *op)
{
	if (f->folders) {
		/* 2: the tenant's, 1: the day's */
		folder_of(f->other, f->path, f->folders);
		*op = (struct disk_op){ .kind = DISK_OP_MKDIR, .path = f->other };
		return;
	}
	*op = (struct disk_op){ .kind = DISK_OP_OPEN,
				.path = f->path,
				.flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW };
}

static bool op_grow(struct disk_file *f, struct disk_op *op)
{
	struct disk_chunk *c = f->head;
	struct bytes octets;

	if (!c)
		return false;
	if (c->octets) {
		octets = bytes_mem(c->octets + c->done, (size_t)(c->n - c->done));
	} else {
		octets = silence_of(f->silence);
		octets = bytes_sub(octets, 0, (size_t)(c->n - c->done));
	}
	*op = (struct disk_op){
		.kind = DISK_OP_WRITE, .fd = f->fd, .octets = octets, .offset = c->offset + c->done
	};
	return true;
}

/* Under another name until all of it is there. */
static void op_sidecar_open(struct disk_file *f, struct disk_op *op)
{
	(void)snprintf(f->other, sizeof(f->other), "%.*s.new", DISK_PATH_MAX - 5, f->sidecar_path);
	*op = (struct disk_op){ .kind = DISK_OP_OPEN,
				.path = f->other,
				.flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW };
}

static void op_early_again(struct disk_file *f, struct disk_op *op)
{
	free(f->early);
	f->early = f->later;
	f->early_n = f->later_n;
	f->later = NULL;
	f->state = DISK_EARLY_OPENS;
	op_sidecar_open(f, op);
}

static void op_sidecar(struct disk_file *f, struct disk_op *op)
{
	*op = (struct disk_op){ .kind = DISK_OP_WRITE,
				.fd = f->sidecar_fd,
				.octets = bytes_mem(f->sidecar + f->sidecar_done,
						    f->sidecar_n - f->sidecar_done),
				.offset = f->sidecar_done };
}

bool disk_step_next(struct disk_file *f, struct disk_op *op)
{
	switch (f->state) {
	case DISK_MAKING:
		op_make(f, op);
		return !f->taken;
	case DISK_EARLY_OPENS:
		op_sidecar_open(f, op);
		return true;
	case DISK_EARLY_WRITES:
		*op = (struct disk_op){ .kind = DISK_OP_WRITE,
					.fd = f->sidecar_fd,
					.octets = bytes_mem(f->early, f->early_n) };
		return true;
	case DISK_EARLY_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE, .fd = f->sidecar_fd };
		return true;
	case DISK_GROWS:
		if (f->later && !f->ends) {
			op_early_again(f, op);
			return true;
		}
		return op_grow(f, op);
	case DISK_HEADS:
		*op = (struct disk_op){ .kind = DISK_OP_WRITE,
					.fd = f->fd,
					.octets = bytes_mem(f->head_octets, f->head_n) };
		return true;
	case DISK_SYNCS:
		*op = (struct disk_op){ .kind = DISK_OP_SYNC, .fd = f->fd };
		return true;
	case DISK_SIDECAR_OPENS:
		op_sidecar_open(f, op);
		return true;
	case DISK_SIDECAR_WRITES:
		op_sidecar(f, op);
		return true;
	case DISK_SIDECAR_SYNCS:
		*op = (struct disk_op){ .kind = DISK_OP_SYNC, .fd = f->sidecar_fd };
		return true;
	case DISK_SIDECAR_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE, .fd = f->sidecar_fd };
		return true;
	case DISK_RENAMES:
		*op = (struct disk_op){ .kind = DISK_OP_RENAME,
					.path = f->other,
					.to = f->sidecar_path };
		return true;
	case DISK_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE,
					.fd = f->sidecar_fd >= 0 ? f->sidecar_fd : f->fd };
		return true;
	case DISK_DONE:
		break;
	}
	return false;
}

/* ---- what the kernel said ---- */

/* It may be well later: a disk that is full, a quota, a fault of the device, too many files. */
static bool disk_may_pass(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EROFS || err == -ENOMEM ||
	       err == -EMFILE || err == -ENFILE || err == -EAGAIN || err == -EINTR ||
	       err == -ECANCELED;
}

static void file_give_up(struct disk *d, struct disk_file *f, int err)
{
	f->error = err;
	while (f->head)
		disk_head_drop(d, f);
	f->state = f->fd >= 0 || f->sidecar_fd >= 0 ? DISK_CLOSES : DISK_DONE;
}

static void file_refused(struct disk *d, struct disk_file *f, int err, uint64_t now_ns)
{
	d->counts.errors++;
	d->counts.error = err;
	if (!f->refused_ns)
		f->refused_ns = now_ns;
	if (!disk_may_pass(err) ||
	    (f->ends && now_ns - f->refused_ns > DISK_PATIENCE_S * NS_PER_S)) {
		file_give_up(d, f, err);
		return;
	}
	f->retry_ns = err == -EINTR || err == -EAGAIN ? 0 : now_ns + DISK_RETRY_S * NS_PER_S;
}

/* Locked as long as it is open: who looks for files that were left behind leaves it alone. */
static void file_made(struct disk *d, struct disk_file *f, int fd)
{
	f->fd = fd;
	f->made = true;
	f->state = f->early ? DISK_EARLY_OPENS : DISK_GROWS;
	if (flock(fd, LOCK_EX | LOCK_NB))
		file_give_up(d, f, -EBUSY);
}

static void file_making(struct disk *d, struct disk_file *f, int result, uint64_t now_ns)
{
	if (f->folders) {
		if (result < 0 && result != -EEXIST)
			file_refused(d, f, result, now_ns);
		else
			f->folders--;
		return;
	}
	if (result == -ENOENT && f->retry_ns == 0) {
		f->folders = FOLDERS;
		f->retry_ns = 1; /* made once: where it is missing then, it is an error */
	} else if (result == -EEXIST) {
		f->taken = true;
	} else if (result < 0) {
		file_refused(d, f, result, now_ns);
	} else {
		f->retry_ns = f->refused_ns = 0;
		d->counts.error = 0;
		file_made(d, f, result);
	}
}

/* Whatever comes of it, sound is written next. True: it was that. */
static bool file_early(struct disk_file *f, int result)
{
	if (f->state == DISK_EARLY_OPENS) {
		f->state = result < 0 ? DISK_GROWS : DISK_EARLY_WRITES;
		f->sidecar_fd = result < 0 ? -1 : result;
	} else if (f->state == DISK_EARLY_WRITES) {
		f->state = DISK_EARLY_CLOSES;
	} else if (f->state == DISK_EARLY_CLOSES) {
		f->state = DISK_GROWS;
		f->sidecar_fd = -1;
	} else {
		return false;
	}
	return true;
}

static void chunk_written(struct disk *d, struct disk_file *f, int n)
{
	struct disk_chunk *c = f->head;

	d->counts.written += (uint64_t)n;
	c->done += (uint64_t)n;
	if (c->done >= c->n)
		disk_head_drop(d, f);
}

static void file_advance(struct disk *d, struct disk_file *f, int result)
{
	switch (f->state) {
	case DISK_GROWS:
		chunk_written(d, f, result);
		break;
	case DISK_HEADS:
		f->state = DISK_SYNCS;
		break;
	case DISK_SYNCS:
		f->state = DISK_SIDECAR_OPENS;
		break;
	case DISK_SIDECAR_OPENS:
		f->sidecar_fd = result;
		f->sidecar_done = 0;
		f->state = DISK_SIDECAR_WRITES;
		break;
	case DISK_SIDECAR_WRITES:
		f->sidecar_done += (size_t)result;
		if (f->sidecar_done >= f->sidecar_n)
			f->state = DISK_SIDECAR_SYNCS;
		break;
	case DISK_SIDECAR_SYNCS:
		f->state = DISK_SIDECAR_CLOSES;
		break;
	case DISK_SIDECAR_CLOSES:
		f->sidecar_fd = -1;
		f->state = DISK_RENAMES;
		break;
	case DISK_RENAMES:
		f->state = DISK_CLOSES;
		break;
	case DISK_MAKING:
	case DISK_EARLY_OPENS:
	case DISK_EARLY_WRITES:
	case DISK_EARLY_CLOSES:
	case DISK_CLOSES:
	case DISK_DONE:
		assert(false);
	}
}

static void file_closed(struct disk_file *f)
{
	if (f->sidecar_fd >= 0)
		f->sidecar_fd = -1;
	else
		f->fd = -1;
	if (f->fd < 0)
		f->state = DISK_DONE;
}

void disk_step_done(struct disk *d, struct disk_file *f, int result, uint64_t now_ns)
{
	if (f->state == DISK_CLOSES) {
		file_closed(f);
		return;
	}
	if (f->state == DISK_MAKING) {
		file_making(d, f, result, now_ns);
	} else if (file_early(f, result)) {
		; /* nothing is tried again */
	} else if (result < 0 || (result == 0 && f->state == DISK_GROWS)) {
		/* a write of nothing is a disk that has no room */
		file_refused(d, f, result < 0 ? result : -ENOSPC, now_ns);
		return;
	} else {
		f->retry_ns = f->refused_ns = 0;
		d->counts.error = 0;
		file_advance(d, f, result);
	}
	if (f->state == DISK_GROWS && f->ends && !f->head)
		f->state = f->head_n ? DISK_HEADS : DISK_SYNCS;
}
