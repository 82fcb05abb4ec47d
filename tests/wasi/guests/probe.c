// SPDX-License-Identifier: Apache-2.0
// Prints what each of many calls of preview 1 answers, so that two hosts can be
// compared line by line. Needs one preopened directory, fresh and empty.
//
//   clang-19 --target=wasm32-wasi -Os -s -o probe.wasm probe.c
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

#define DIR 3
#define READ __WASI_RIGHTS_FD_READ
#define WRITE __WASI_RIGHTS_FD_WRITE
#define CREAT __WASI_OFLAGS_CREAT
#define TRUNC __WASI_OFLAGS_TRUNC
#define EXCL __WASI_OFLAGS_EXCL
#define DIRECTORY __WASI_OFLAGS_DIRECTORY
#define FOLLOW __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW

static void say(const char *what, int code) { printf("%s: %d\n", what, code); }

static __wasi_fd_t last;

static int open_at(__wasi_fd_t dir, const char *path, int lookup, int oflags, __wasi_rights_t rights, int fdflags) {
  last = 99;
  return __wasi_path_open(dir, lookup, path, oflags, rights, 0, fdflags, &last);
}

static void stat_of(const char *what, __wasi_fd_t fd) {
  __wasi_fdstat_t stat;
  const int code = __wasi_fd_fdstat_get(fd, &stat);
  if (code != 0) {
    say(what, code);
    return;
  }
  printf("%s: type %d flags %d base %llx inheriting %llx\n", what, stat.fs_filetype, stat.fs_flags,
         (unsigned long long)stat.fs_rights_base, (unsigned long long)stat.fs_rights_inheriting);
}

static int write_to(__wasi_fd_t fd, const char *text) {
  const __wasi_ciovec_t iov = {(const uint8_t *)text, strlen(text)};
  __wasi_size_t size;
  return __wasi_fd_write(fd, &iov, 1, &size);
}

static int read_from(__wasi_fd_t fd) {
  uint8_t bytes[16];
  const __wasi_iovec_t iov = {bytes, sizeof bytes};
  __wasi_size_t size;
  return __wasi_fd_read(fd, &iov, 1, &size);
}

static int pwrite_to(__wasi_fd_t fd, const char *text, __wasi_filesize_t offset) {
  const __wasi_ciovec_t iov = {(const uint8_t *)text, strlen(text)};
  __wasi_size_t size;
  return __wasi_fd_pwrite(fd, &iov, 1, offset, &size);
}

static int pread_from(__wasi_fd_t fd, __wasi_filesize_t offset) {
  uint8_t bytes[16];
  const __wasi_iovec_t iov = {bytes, sizeof bytes};
  __wasi_size_t size;
  return __wasi_fd_pread(fd, &iov, 1, offset, &size);
}

static int seek_in(__wasi_fd_t fd, long long offset, int whence) {
  __wasi_filesize_t position;
  return __wasi_fd_seek(fd, offset, whence, &position);
}

static int stat_at(const char *path, int lookup) {
  __wasi_filestat_t stat;
  return __wasi_path_filestat_get(DIR, lookup, path, &stat);
}

static int link_of(const char *path) {
  uint8_t bytes[16];
  __wasi_size_t size;
  return __wasi_path_readlink(DIR, path, bytes, sizeof bytes, &size);
}

static void every_call_on(const char *kind, __wasi_fd_t fd) {
  __wasi_filestat_t filestat;
  __wasi_prestat_t prestat;
  __wasi_filesize_t position;
  __wasi_size_t size;
  uint8_t bytes[64];
  printf("-- %s\n", kind);
  stat_of("fdstat", fd);
  say("read", read_from(fd));
  say("pread", pread_from(fd, 0));
  say("pwrite", pwrite_to(fd, "", 0));
  say("seek", seek_in(fd, 0, __WASI_WHENCE_SET));
  say("tell", __wasi_fd_tell(fd, &position));
  say("advise", __wasi_fd_advise(fd, 0, 0, __WASI_ADVICE_NORMAL));
  say("datasync", __wasi_fd_datasync(fd));
  say("sync", __wasi_fd_sync(fd));
  say("filestat", __wasi_fd_filestat_get(fd, &filestat));
  say("set_size", __wasi_fd_filestat_set_size(fd, 3));
  say("set_times", __wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_ATIM_NOW));
  say("set_times both", __wasi_fd_filestat_set_times(fd, 0, 0, __WASI_FSTFLAGS_ATIM_NOW | __WASI_FSTFLAGS_ATIM));
  say("set_flags append", __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND));
  say("set_flags sync", __wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_SYNC));
  say("set_flags none", __wasi_fd_fdstat_set_flags(fd, 0));
  say("set_rights", __wasi_fd_fdstat_set_rights(fd, 0, 0));
  say("readdir", __wasi_fd_readdir(fd, bytes, sizeof bytes, 0, &size));
  say("prestat", __wasi_fd_prestat_get(fd, &prestat));
  say("prestat_name", __wasi_fd_prestat_dir_name(fd, bytes, sizeof bytes));
  say("open below", open_at(fd, "x", FOLLOW, 0, READ, 0));
  say("mkdir below", __wasi_path_create_directory(fd, "/"));
}

static void opening(void) {
  printf("-- opening\n");
  say("missing", open_at(DIR, "none", FOLLOW, 0, READ, 0));
  say("empty", open_at(DIR, "", FOLLOW, 0, READ, 0));
  say("absolute", open_at(DIR, "/f", FOLLOW, 0, READ, 0));
  say("dotdot", open_at(DIR, "..", FOLLOW, 0, READ, 0));
  say("dotdot file", open_at(DIR, "../f", FOLLOW, 0, READ, 0));
  say("up and out", open_at(DIR, "d/../../f", FOLLOW, 0, READ, 0));
  say("up and in", open_at(DIR, "d/../f", FOLLOW, 0, READ, 0));
  say("dot", open_at(DIR, ".", FOLLOW, 0, READ, 0));
  say("slash after file", open_at(DIR, "f/", FOLLOW, 0, READ, 0));
  say("slash after new file", open_at(DIR, "n/", FOLLOW, CREAT, WRITE, 0));
  say("slash after directory", open_at(DIR, "d/", FOLLOW, 0, READ, 0));
  say("through file", open_at(DIR, "f/x", FOLLOW, 0, READ, 0));
  say("directory of file", open_at(DIR, "f", FOLLOW, DIRECTORY, READ, 0));
  say("directory", open_at(DIR, "d", FOLLOW, DIRECTORY, READ, 0));
  stat_of("directory's", last);
  say("directory for writing", open_at(DIR, "d", FOLLOW, 0, READ | WRITE, 0));
  say("directory by flag for writing", open_at(DIR, "d", FOLLOW, DIRECTORY, READ | WRITE, 0));
  say("directory cut", open_at(DIR, "d", FOLLOW, TRUNC, READ, 0));
  say("directory created", open_at(DIR, "d", FOLLOW, CREAT, READ, 0));
  say("creat and directory", open_at(DIR, "e", FOLLOW, CREAT | DIRECTORY, READ, 0));
  say("exclusive", open_at(DIR, "f", FOLLOW, CREAT | EXCL, READ | WRITE, 0));
  say("no rights", open_at(DIR, "f", FOLLOW, 0, 0, 0));
  stat_of("no rights'", last);
  say("read only", open_at(DIR, "f", FOLLOW, 0, READ, 0));
  stat_of("read only's", last);
  say("write to it", write_to(last, "x"));
  say("set its size", __wasi_fd_filestat_set_size(last, 0));
  say("write only", open_at(DIR, "f", FOLLOW, 0, WRITE, 0));
  stat_of("write only's", last);
  say("read from it", read_from(last));
  say("created for reading", open_at(DIR, "g", FOLLOW, CREAT, READ, 0));
  say("append and nonblock", open_at(DIR, "f", FOLLOW, 0, READ | WRITE, __WASI_FDFLAGS_APPEND | __WASI_FDFLAGS_NONBLOCK));
  stat_of("append's", last);
  say("not utf-8", open_at(DIR, "\xff", FOLLOW, 0, READ, 0));
  say("link", open_at(DIR, "l", FOLLOW, 0, READ, 0));
  say("link not followed", open_at(DIR, "l", 0, 0, READ, 0));
  say("dangling", open_at(DIR, "dangling", FOLLOW, 0, READ, 0));
  say("dangling exclusive", open_at(DIR, "dangling", FOLLOW, CREAT | EXCL, WRITE, 0));
  say("dangling not followed", open_at(DIR, "dangling", 0, CREAT, WRITE, 0));
  say("loop", open_at(DIR, "loop", FOLLOW, 0, READ, 0));
  say("link to directory not followed", open_at(DIR, "dl", 0, DIRECTORY, READ, 0));
  say("link out", open_at(DIR, "out", FOLLOW, 0, READ, 0));
}

static void names(void) {
  printf("-- names\n");
  say("mkdir", __wasi_path_create_directory(DIR, "d"));
  say("mkdir again", __wasi_path_create_directory(DIR, "d"));
  say("mkdir slash", __wasi_path_create_directory(DIR, "d2/"));
  say("mkdir dotdot", __wasi_path_create_directory(DIR, ".."));
  say("mkdir out", __wasi_path_create_directory(DIR, "../x"));
  say("mkdir dot", __wasi_path_create_directory(DIR, "."));
  say("mkdir empty", __wasi_path_create_directory(DIR, ""));
  say("file", open_at(DIR, "f", FOLLOW, CREAT, READ | WRITE, 0));
  say("symlink", __wasi_path_symlink("f", DIR, "l"));
  say("symlink again", __wasi_path_symlink("f", DIR, "l"));
  say("symlink absolute", __wasi_path_symlink("/f", DIR, "abs"));
  say("symlink out", __wasi_path_symlink("../f", DIR, "out"));
  say("symlink dangling", __wasi_path_symlink("nowhere", DIR, "dangling"));
  say("symlink loop", __wasi_path_symlink("loop", DIR, "loop"));
  say("symlink to directory", __wasi_path_symlink("d", DIR, "dl"));
  say("symlink empty", __wasi_path_symlink("", DIR, "e"));
  say("symlink slash", __wasi_path_symlink("f", DIR, "e/"));
  say("readlink", link_of("l"));
  say("readlink of file", link_of("f"));
  say("readlink of directory", link_of("d"));
  say("readlink missing", link_of("none"));
  say("readlink slash", link_of("l/"));
  say("stat", stat_at("f", FOLLOW));
  say("stat dangling", stat_at("dangling", FOLLOW));
  say("stat dangling not followed", stat_at("dangling", 0));
  say("stat link slash", stat_at("l/", 0));
  say("stat directory link slash", stat_at("dl/", 0));
  say("stat out", stat_at("..", FOLLOW));
  say("stat link out", stat_at("out", FOLLOW));
  say("times", __wasi_path_filestat_set_times(DIR, FOLLOW, "f", 5, 5, __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM));
  say("times both", __wasi_path_filestat_set_times(DIR, FOLLOW, "f", 5, 5, 15));
  say("times missing", __wasi_path_filestat_set_times(DIR, FOLLOW, "none", 5, 5, 1));
  say("link", __wasi_path_link(DIR, 0, "f", DIR, "hard"));
  say("link followed", __wasi_path_link(DIR, FOLLOW, "l", DIR, "hard2"));
  say("link directory", __wasi_path_link(DIR, 0, "d", DIR, "hard3"));
  say("link exists", __wasi_path_link(DIR, 0, "f", DIR, "hard"));
  say("link out", __wasi_path_link(DIR, 0, "../f", DIR, "hard4"));
  say("link slash", __wasi_path_link(DIR, 0, "f/", DIR, "hard5"));
  say("rename", __wasi_path_rename(DIR, "hard", DIR, "hard6"));
  say("rename missing", __wasi_path_rename(DIR, "none", DIR, "x"));
  say("rename over directory", __wasi_path_rename(DIR, "hard6", DIR, "d"));
  say("rename directory over file", __wasi_path_rename(DIR, "d", DIR, "hard6"));
  say("rename slash", __wasi_path_rename(DIR, "hard6/", DIR, "x"));
  say("rename to slash", __wasi_path_rename(DIR, "hard6", DIR, "x/"));
  say("rename out", __wasi_path_rename(DIR, "hard6", DIR, "../x"));
  say("rename dot", __wasi_path_rename(DIR, ".", DIR, "x"));
  say("unlink directory", __wasi_path_unlink_file(DIR, "d2"));
  say("unlink directory slash", __wasi_path_unlink_file(DIR, "d2/"));
  say("unlink slash", __wasi_path_unlink_file(DIR, "hard6/"));
  say("unlink", __wasi_path_unlink_file(DIR, "hard6"));
  say("unlink missing", __wasi_path_unlink_file(DIR, "hard6"));
  say("unlink out", __wasi_path_unlink_file(DIR, "../x"));
  say("rmdir file", __wasi_path_remove_directory(DIR, "f"));
  say("rmdir dot", __wasi_path_remove_directory(DIR, "."));
  say("rmdir dotdot", __wasi_path_remove_directory(DIR, ".."));
  say("rmdir link", __wasi_path_remove_directory(DIR, "dl"));
  say("rmdir link slash", __wasi_path_remove_directory(DIR, "dl/"));
  say("rmdir slash", __wasi_path_remove_directory(DIR, "d2/"));
}

static void the_rest(void) {
  printf("-- the rest\n");
  __wasi_timestamp_t time;
  __wasi_size_t size;
  __wasi_subscription_t subscription;
  __wasi_event_t event;
  say("close none", __wasi_fd_close(77));
  say("renumber from none", __wasi_fd_renumber(77, 1));
  say("renumber to none", __wasi_fd_renumber(1, 77));
  say("clock", __wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 0, &time));
  say("resolution", __wasi_clock_res_get(__WASI_CLOCKID_REALTIME, &time));
  say("poll nothing", __wasi_poll_oneoff(&subscription, &event, 0, &size));
  say("shutdown of a directory", __wasi_sock_shutdown(DIR, __WASI_SDFLAGS_RD));
  say("shutdown of nothing", __wasi_sock_shutdown(77, __WASI_SDFLAGS_RD));
  say("seek before the start", (open_at(DIR, "f", FOLLOW, 0, READ | WRITE, 0), seek_in(last, -1, __WASI_WHENCE_SET)));
  say("pread at the top", pread_from(last, ~0ULL));
  say("set_size of too much", __wasi_fd_filestat_set_size(last, ~0ULL));
  say("readdir after the end", (open_at(DIR, "d", FOLLOW, DIRECTORY, READ, 0), 0));
}

int main(void) {
  stat_of("preopen's", DIR);
  names();
  opening();
  every_call_on("standard input", 0);
  every_call_on("standard error", 2);
  every_call_on("preopen", DIR);
  open_at(DIR, "d", FOLLOW, DIRECTORY, READ, 0);
  every_call_on("directory", last);
  open_at(DIR, "f", FOLLOW, 0, READ | WRITE, 0);
  every_call_on("file", last);
  open_at(DIR, "f", FOLLOW, 0, READ, 0);
  every_call_on("file for reading", last);
  every_call_on("nothing", 77);
  the_rest();
  return 0;
}
