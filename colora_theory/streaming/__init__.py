"""Sensing matrices that stay in a file: read block by block, the next block while the present one is used."""

from colora_theory.streaming.errors import StreamError as StreamError
from colora_theory.streaming.errors import plain_errors as plain_errors
from colora_theory.streaming.memory import available_memory as available_memory
from colora_theory.streaming.opening import BLOCK_BYTES as BLOCK_BYTES
from colora_theory.streaming.opening import open_matrices as open_matrices
from colora_theory.streaming.stored import Piece as Piece
from colora_theory.streaming.stored import StoredMatrices as StoredMatrices
