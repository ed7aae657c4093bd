/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/disk_op.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

static long disk_op_call(const struct disk_op *op)
{
	switch (op->kind) {
	case DISK_OP_MKDIR:
		return mkdir(op->path, FOLDER_MODE);
	case DISK_OP_OPEN:
		return open(op->path, op->flags | O_CLOEXEC, FILE_MODE);
	case DISK_OP_WRITE:
		return pwrite(op->fd, op->octets.p, op->octets.n, (off_t)op->offset);
	case DISK_OP_SYNC:
		return fdatasync(op->fd);
	case DISK_OP_RENAME:
		return rename(op->path, op->to);
	case DISK_OP_CLOSE:
		return close(op->fd);
	}
	assert(false);
	return -1;
}

int disk_op_plain(const struct disk_op *op)
{
	long n = disk_op_call(op);

	return n < 0 ? -errno : (int)n;
}

/* Always by a worker of the kernel: a file system that is frozen may make the submitter wait. */
void disk_op_prepare(struct io_uring_sqe *sqe, const struct disk_op *op)
{
	switch (op->kind) {
	case DISK_OP_MKDIR:
		io_uring_prep_mkdirat(sqe, AT_FDCWD, op->path, FOLDER_MODE);
		break;
	case DISK_OP_OPEN:
		io_uring_prep_openat(sqe, AT_FDCWD, op->path, op->flags | O_CLOEXEC, FILE_MODE);
		break;
	case DISK_OP_WRITE:
		io_uring_prep_write(sqe, op->fd, op->octets.p, (unsigned)op->octets.n, op->offset);
		break;
	case DISK_OP_SYNC:
		io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_OP_RENAME:
		io_uring_prep_renameat(sqe, AT_FDCWD, op->path, AT_FDCWD, op->to, 0);
		break;
	case DISK_OP_CLOSE:
		io_uring_prep_close(sqe, op->fd);
		break;
	}
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
}
