"""From a plan and the operation it answers to generated Python."""

from router.execution.compiler.program import Code, Program, compile_program

__all__ = ["Code", "Program", "compile_program"]
