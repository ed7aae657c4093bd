/* SPDX-License-Identifier: Apache-2.0 */
/* tandem-store: started by the node (app/node/node_deliver.c) with sockets at descriptors 3 and 4, and by nobody else. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "app/deliver/process.h"
#include "base/log.h"
#include "base/privilege.h"

enum { LINK = 3, DESCRIPTORS = 4, IOPRIO_WHO_PROCESS = 1, IOPRIO_IDLE = 3 << 13 };

/* Whatever it does, calls come first. */
static void store_stand_back(void)
{
	const struct sched_param none = { 0 };

	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

static bool store_has_socket(int fd, int wanted)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) && type == wanted;
}

int main(int argc, char **argv)
{
	bool hands_over = store_has_socket(DESCRIPTORS, SOCK_SEQPACKET);

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		(void)printf("tandem-store %s\n", TANDEM_VERSION);
		return 0;
	}
	if (argc != 1 || !store_has_socket(LINK, SOCK_STREAM)) {
		(void)fputs("tandem-store: the node starts it where recordings.store has a "
			    "destination; it takes no arguments\n",
			    stderr);
		return 2;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_DUMPABLE, 0); /* passwords */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)close_range((hands_over ? DESCRIPTORS : LINK) + 1, ~0U, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	privilege_drop_all();
	store_stand_back();
	log_setup(STDERR_FILENO, LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	process_run(LINK, hands_over ? DESCRIPTORS : -1);
	curl_global_cleanup();
	return 0;
}
