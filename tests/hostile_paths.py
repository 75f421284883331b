"""Two hundred names that a stranger's workflow could give to an input for a file, a folder or a program."""

OUTSIDE = ["etc/passwd", "secret.png", "secrets", "sbsrender", "train_util.py", "Windows/win.ini", "models/x.ckpt"]
WINDOWS = [r"Windows\win.ini", r"Users\me\Downloads\sbsrender.exe", r"secrets\secret.png"]
HOSTS = ["\\\\server\\share\\", "//server/share/", "\\\\?\\UNC\\server\\share\\", "\\\\.\\", "\\\\?\\C:\\", "//?/C:/"]


def hostile_paths(secrets):
    """Names that lead out of ComfyUI's folders, many of them to what lies in the folder `secrets`."""
    climbs = ["../" * depth for depth in (1, 2, 3, 5, 8, 13, 40)]
    climbs += ["./../" * 3, "x/../../", "x/./../../../", "a/b/../../../../", ".//..//..//"]
    back = ["..\\" * depth for depth in (1, 3, 8)] + ["..\\../" * 2, "x\\..\\..\\"]
    own = [f"{secrets}/{name}" for name in ("secret.png", "sbsrender", "sd-scripts", "", "../secrets/secret.png")]
    absolute = ["/", "/home/me/.ssh/id_rsa", "/proc/self/environ", "/dev/zero", "/bin/sh", "C:/Windows/win.ini", "C:"]
    absolute += [f"/{name}" for name in OUTSIDE]
    drives = [f"{drive}{name}" for drive in ("C:\\", "c:", "D:\\", "\\") for name in WINDOWS]
    network = [f"{host}{name}" for host in HOSTS for name in OUTSIDE[:3]]
    network += ["\\\\server@SSL@443\\share\\x", "\\\\127.0.0.1\\c$", "smb://server/share/x", "file://server/share/x"]
    home = ["~/", "~/.ssh/id_rsa", "~root/x", "~\\x"]
    devices = [f"{name}{end}" for name in ("CON", "nul", "Aux", "COM1", "lpt9") for end in ("", ".txt", ".png", "/x")]
    odd = ["a\0b", "secret.png\0.jpg", "\0", "a\nb/../../x", "\x1b[2Jx", "x/\r/..", "../" * 2000 + "x", "x/" * 5000]
    links = [f"way_out/{name}" for name in ("", "secret.png", "sbsrender", "../secrets/secret.png", "sd-scripts")]
    urls = ["file:///etc/passwd", "http://127.0.0.1/x", "https://example.com/x.png"]
    told = [f"{climb}{name}" for climb in climbs + back for name in OUTSIDE]
    every = [*told, *own, *absolute, *drives, *network, *home, *devices, *odd, *links, *urls]
    return list(dict.fromkeys(every))
