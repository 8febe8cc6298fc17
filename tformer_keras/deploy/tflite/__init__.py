"""Flatbuffers: conversion, packing, what is in a file, golden vectors, and LiteRT's interpreter."""
