"""What the documentation site needs beside the pages: mathematics, notebooks as pages, the gallery."""
