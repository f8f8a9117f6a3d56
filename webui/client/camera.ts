// SPDX-License-Identifier: Apache-2.0
// The camera: d3-zoom on the canvas. The wheel zooms at the pointer, dragging pans; flights go from place to place.

import { interpolateZoom, select, zoom, zoomIdentity, type ZoomBehavior, type ZoomTransform } from 'd3';
import type { Rect } from './land.ts';

const MOST = 1e9;
const MARGIN = 0.94;

export class Camera {
  transform: ZoomTransform = zoomIdentity;
  private readonly canvas: HTMLCanvasElement;
  private readonly behaviour: ZoomBehavior<HTMLCanvasElement, unknown>;
  private flight = 0;

  constructor(canvas: HTMLCanvasElement, world: Rect, moved: () => void, landed: () => void) {
    this.canvas = canvas;
    this.behaviour = zoom<HTMLCanvasElement, unknown>()
      .scaleExtent([50, MOST])
      .extent(() => [
        [0, 0],
        [canvas.clientWidth, canvas.clientHeight],
      ])
      // the world cannot be lost: at least a part of it stays in view
      .translateExtent([
        [world.x - 0.5, world.y - 0.5],
        [world.x + world.w + 0.5, world.y + world.h + 0.5],
      ])
      .on('zoom', (event: { readonly transform: ZoomTransform; readonly sourceEvent: unknown }) => {
        this.transform = event.transform;
        if (event.sourceEvent !== null) this.flight++;
        moved();
      })
      .on('end', landed);
    select(canvas).call(this.behaviour).on('dblclick.zoom', null);
  }

  /** The transform that shows a rect whole. */
  private fitting(rect: Rect): ZoomTransform {
    const { clientWidth, clientHeight } = this.canvas;
    const k = Math.min(clientWidth / rect.w, clientHeight / rect.h) * MARGIN;
    return zoomIdentity
      .translate(clientWidth / 2 - (rect.x + rect.w / 2) * k, clientHeight / 2 - (rect.y + rect.h / 2) * k)
      .scale(k);
  }

  jump(rect: Rect): void {
    this.flight++;
    this.behaviour.transform(select(this.canvas), this.fitting(rect));
  }

  /** Flies to a rect, along the path that looks most even. */
  fly(rect: Rect): void {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) {
      this.jump(rect);
      return;
    }
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const from = this.place();
    const target = this.fitting(rect);
    const to: [number, number, number] = [
      (width / 2 - target.x) / target.k,
      (height / 2 - target.y) / target.k,
      width / target.k,
    ];
    const path = interpolateZoom(from, to);
    const flight = ++this.flight;
    const start = performance.now();
    const duration = Math.min(1600, Math.max(250, path.duration * 0.6));
    const step = (now: number): void => {
      if (flight !== this.flight) return;
      const t = Math.min(1, (now - start) / duration);
      const eased = t < 0.5 ? 2 * t * t : 1 - (2 - 2 * t) ** 2 / 2;
      const [x, y, w] = path(eased);
      const k = width / w;
      this.behaviour.transform(
        select(this.canvas),
        zoomIdentity.translate(width / 2 - x * k, height / 2 - y * k).scale(k),
      );
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Centre and width of what is in view, in the world. */
  place(): [x: number, y: number, width: number] {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { k, x, y } = this.transform;
    return [(width / 2 - x) / k, (height / 2 - y) / k, width / k];
  }

  restore([x, y, w]: readonly [number, number, number]): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const k = width / w;
    this.behaviour.transform(
      select(this.canvas),
      zoomIdentity.translate(width / 2 - x * k, height / 2 - y * k).scale(k),
    );
  }

  zoomBy(factor: number): void {
    this.behaviour.scaleBy(select(this.canvas), factor);
  }

  panBy(dx: number, dy: number): void {
    this.behaviour.translateBy(select(this.canvas), dx / this.transform.k, dy / this.transform.k);
  }
}
