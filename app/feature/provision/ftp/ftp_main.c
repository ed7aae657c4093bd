/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program tandem-ftp (ftp.h): its link to the node, and a socket at which pure-ftpd asks who
 * may log in. pure-ftpd opens a connection for each log-in, sends its lines, and reads until it is
 * closed.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/child/child_link.h"
#include "app/feature/provision/ftp/ftp.h"
#include "base/clock.h"
#include "base/json_member.h"
#include "base/log.h"
#include "base/loop.h"

enum { LOGINS_MAX = 64, FDS_MAX = 128, BACKLOG = 64, ANSWER_MAX = 512 };
#define LOGIN_NS (10 * NS_PER_S) /* so long a log-in takes at most */
#define BEAT_NS  NS_PER_S

static struct {
	struct child_peer link;
	int listener; /* -1: not yet */
	uint64_t last_id;
	struct ftp_asked {
		uint64_t id; /* 0: free */
		int fd;
		uint64_t until_ns;
		size_t n;
		uint8_t in[FTP_REQUEST_MAX];
	} asked[LOGINS_MAX];
} g = { .listener = -1 };

/* path NULL: it may not log in. */
static void asked_end(struct ftp_asked *a, const char *path)
{
	char text[ANSWER_MAX];
	int n = path ? snprintf(text, sizeof(text), "auth_ok:1\nuid:%u\ngid:%u\ndir:%s\nend\n",
				geteuid(), getegid(), path)
		     : snprintf(text, sizeof(text), "auth_ok:-1\nend\n");

	(void)send(a->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	loop_unwatch(a->fd);
	(void)close(a->fd);
	explicit_bzero(a, sizeof(*a));
}

static void ftp_on_asked(int fd, unsigned events, void *arg)
{
	struct ftp_asked *a = arg;
	struct ftp_login login = { 0 };
	ssize_t n = recv(fd, a->in + a->n, sizeof(a->in) - a->n, MSG_DONTWAIT);
	int err = -EBADMSG;
	json_t *line;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		a->n += (size_t)n;
		err = ftp_login_parse(&login, bytes_mem(a->in, a->n));
	}
	if (err == -EAGAIN && a->n < sizeof(a->in))
		return;
	if (err) {
		asked_end(a, NULL);
		return;
	}
	line = json_pack("{s:I, s:s, s:s, s:s, s:s}", "login", (json_int_t)a->id, "user",
			 login.user, "password", login.password, "peer", login.peer, "host",
			 login.host);
	explicit_bzero(&login, sizeof(login));
	if (!line) { /* a word is not UTF-8 */
		asked_end(a, NULL);
		return;
	}
	loop_unwatch(fd); /* all was said; the node's answer, or the deadline, ends it */
	child_peer_send(&g.link, line);
}

static void ftp_on_connection(int fd, unsigned events, void *arg)
{
	struct ftp_asked *a = g.asked;
	int its = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	(void)arg;
	while (a < g.asked + LOGINS_MAX && a->id)
		a++;
	if (its < 0)
		return;
	if (a == g.asked + LOGINS_MAX || loop_watch(its, LOOP_READ, ftp_on_asked, a)) {
		(void)close(its);
		return;
	}
	a->id = ++g.last_id;
	a->fd = its;
	a->n = 0;
	a->until_ns = clock_now_ns() + LOGIN_NS;
}

static void ftp_on_answer(const json_t *line, uint64_t id)
{
	char path[FTP_PATH_MAX];
	bool may = json_object_get(line, "account");
	int err = may ? ftp_folder_lay(line, clock_now_ns(), path) : 0;

	if (err)
		LOG_ERROR("ftp", 0, "the files of an account cannot be laid",
			  LOG_STR("account", json_text(line, "account")),
			  LOG_STR("error", strerror(-err)));
	for (struct ftp_asked *a = g.asked; a < g.asked + LOGINS_MAX; a++) {
		if (a->id == id)
			asked_end(a, may && !err ? path : NULL);
	}
}

static void ftp_say_read(const char *account, const char *path)
{
	child_peer_send(&g.link, json_pack("{s:s, s:s}", "read", path, "account", account));
}

static void ftp_on_folders(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	ftp_folders_look(ftp_say_read);
}

static int ftp_listen(const char *folder)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if ((size_t)snprintf(a.sun_path, sizeof(a.sun_path), "%s/login", folder) >=
	    sizeof(a.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, BACKLOG) ||
	    loop_watch(fd, LOOP_READ, ftp_on_connection, NULL)) {
		(void)close(fd);
		return -EIO;
	}
	g.listener = fd;
	return 0;
}

static void ftp_start(const json_t *begin)
{
	const char *folder = json_text(begin, "folder");
	int err = ftp_folders_open(folder, json_count(begin, "kept_s") * NS_PER_S);

	if (!err)
		err = loop_watch(ftp_folders_fd(), LOOP_READ, ftp_on_folders, NULL);
	if (!err)
		err = ftp_listen(folder);
	if (!err)
		return;
	LOG_ERROR("ftp", 0, "nobody can log in by FTP", LOG_STR("folder", folder),
		  LOG_STR("error", strerror(-err)));
	loop_stop();
}

static void ftp_from_node(const json_t *line, void *arg)
{
	const json_t *begin = json_object_get(line, "begin");

	(void)arg;
	if (begin && g.listener < 0)
		ftp_start(begin);
	else if (json_object_get(line, "login"))
		ftp_on_answer(line, json_count(line, "login"));
}

static void ftp_on_link(int fd, unsigned events, void *arg)
{
	(void)fd;
	(void)events;
	(void)arg;
	if (!child_peer_read(&g.link, ftp_from_node, NULL))
		loop_stop();
}

static void ftp_on_beat(void *arg)
{
	uint64_t now_ns = clock_now_ns();

	(void)arg;
	for (struct ftp_asked *a = g.asked; a < g.asked + LOGINS_MAX; a++) {
		if (a->id && a->until_ns <= now_ns)
			asked_end(a, NULL);
	}
	ftp_folders_beat(now_ns);
	(void)!loop_timer(now_ns + BEAT_NS, ftp_on_beat, NULL);
}

int main(int argc, char **argv)
{
	int status = child_main_start(argc, argv, "tandem-ftp", NULL,
				      "the node starts it with provision.ftp");

	if (status >= 0)
		return status;
	g.link.fd = CHILD_LINK;
	if (loop_open(FDS_MAX) || loop_watch(CHILD_LINK, LOOP_READ, ftp_on_link, NULL))
		return 1;
	ftp_on_beat(NULL);
	status = loop_run() ? 1 : 0;
	child_peer_close(&g.link);
	return status;
}
