#include <bpf/libbpf.h>
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
int main(int n,char**v){ struct bpf_object*b=bpf_object__open_file(v[1],0); struct bpf_program*p;
 bpf_object__for_each_program(p,b){const char*nm=bpf_program__name(p)+4; if(!strcmp(nm,"io_uring_submit_sqe")||strstr(nm,"awake")) bpf_program__set_autoload(p,0); if(!strncmp(nm,"tls_",4)) bpf_program__set_expected_attach_type(p,48);}
 if(bpf_object__load(b)) return 1; int t=0;
 bpf_object__for_each_program(p,b){ if(!bpf_program__autoload(p)) continue; struct {char pad[0xd8]; __u32 vi; char r[20];} i={}; struct bpf_prog_info info={}; __u32 l=sizeof info; bpf_obj_get_info_by_fd(bpf_program__fd(p),&info,&l);
 printf("%-26s verified %u jited %u xl %u\n",bpf_program__name(p),info.verified_insns,info.jited_prog_len,info.xlated_prog_len/8);t+=info.verified_insns;}
 printf("%d\n",t);}
