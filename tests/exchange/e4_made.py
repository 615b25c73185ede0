"""E4 sessions made of whole cloth, as files, for tests of what reads them."""

import zipfile
from pathlib import Path

START_S = 1551453301


def files(seconds=30, start=START_S):
    """The texts of a session, with every quirk of a real export."""
    n = seconds * 64
    bvp = "\n".join("-0.00" if k < 10 else f"{(k % 97) - 48}.{k % 100:02d}" for k in range(n))
    acc = "\r\n".join(f"{k % 64 - 32},{k % 7},{60 - k % 5}" for k in range(seconds * 32))
    eda = "\n".join(f"0.{k * 37 % 1000000:06d}" for k in range(seconds * 4))
    temp = "\n".join(f"3{k % 7}.{k % 100:02d}" for k in range(seconds * 4))
    return {
        "BVP.csv": f"{start}.00\n64.000000\n{bvp}\n",
        "ACC.csv": f"{start}.000000, {start}.000000, {start}.000000\r\n32.000000, 32.000000, 32.000000\r\n{acc}\r\n",
        "EDA.csv": f"{start}.000000\n4.000000\n{eda}\n",
        "TEMP.csv": f"{start}.250000\n4.000000\n{temp}\n",
        "HR.csv": f"{start + 10}.000000\n1.000000\n71.00\n72.50\n73.27\n",
        "IBI.csv": f"{start}.000000, IBI\n2.515625,0.812500\n3.328125,0.812500\n",
        "tags.csv": f"{start + 5}.50\r\n{start + 3}.00\r\n",
        "info.txt": "words",
    }


def write_zip(path: Path, texts, folder="") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(folder + name, text)
    return path


def write_folder(path: Path, texts) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        content = text if isinstance(text, bytes) else text.encode()
        (path / name).write_bytes(content)
    return path
