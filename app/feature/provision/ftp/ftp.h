/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of phones over FTP: tandem-ftp, a child of the node. Debian's pure-ftpd speaks FTP, as a
 * service of its own with its own rights, and asks the child who may log in ("extauth" of its
 * manual). The child asks the node, and lays the files of that account into a folder, which is all
 * that its session sees. Lines of JSON over the link:
 *
 *     {"begin":{"folder":...,"kept_s":...}}  once, first: where folders and the socket "login" lie
 *     {"login":ID,"user":...,"password":...,"peer":...,"host":...}   from it
 *     {"login":ID}                           the answer: nobody may log in so
 *     {"login":ID,"account":NAME,"closed":true,  ... or its folder; closed: nothing is uploaded
 *      "files":[[PATH,TEXT],...],            within the folder
 *      "firmware":[[PATH,FILE],...],         likewise, with what is in that file of the disk
 *      "uploads":{NAME:FILE,...}}            where an upload of that name is copied to, and is from
 *     {"read":PATH,"account":NAME}           from it: a phone has read a file of a sub-folder
 *
 * One thread, which the disk may block: a login waits meanwhile, and no call does.
 */
#ifndef APP_FEATURE_PROVISION_FTP_FTP_H
#define APP_FEATURE_PROVISION_FTP_FTP_H

#include <jansson.h>

#include "base/bytes.h"

enum {
	FTP_TEXT_MAX = 192,
	FTP_REQUEST_MAX = 2048,
	FTP_UPLOAD_MAX = 262144, /* octets, as over HTTP */
};

/* A request of pure-ftpd, each with its NUL. Longer values are no login. */
struct ftp_login {
	char user[FTP_TEXT_MAX], password[FTP_TEXT_MAX];
	char peer[FTP_TEXT_MAX], host[FTP_TEXT_MAX]; /* addresses: of the phone, and its server */
};

/* Lines "KEY:VALUE", of which "end" is the last. 0; -EAGAIN: it is not whole; -EBADMSG. */
int ftp_login_parse(struct ftp_login *out, struct bytes octets) NODISCARD;

/* ---- folders: ftp_folder.c ---- */
/* Takes away what an earlier process has left. 0 or -errno. */
int ftp_folders_open(const char *folder, uint64_t kept_ns) NODISCARD;
/* Deletes what lies in that folder, which may be missing: passwords of phones among it. */
void ftp_folders_empty(const char *folder);
/* The descriptor to watch for what phones do. */
int ftp_folders_fd(void);
/* Makes the folder of an account, or what has changed in it. path: of FTP_PATH_MAX. 0 or -errno. */
enum { FTP_PATH_MAX = 384 };
int ftp_folder_lay(const json_t *answer, uint64_t now_ns, char path[FTP_PATH_MAX]) NODISCARD;
/* What phones have read and uploaded since; read is called for files of sub-folders. */
void ftp_folders_look(void (*read)(const char *account, const char *path));
/* Deletes folders that nobody has logged in to for that long. */
void ftp_folders_beat(uint64_t now_ns);

#endif
