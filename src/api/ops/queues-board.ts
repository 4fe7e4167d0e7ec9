import type {
  AppControllerRoute,
  AppViewRoute,
  BullBoardQueues,
  IServerAdapter,
  UIConfig,
} from '@bull-board/api/typings/app';

/** What Bull Board passes to a server adapter, kept for our own routes to serve. */
export type BoardParts = {
  queues: BullBoardQueues;
  views: string;
  statics: { route: string; path: string };
  entry: AppViewRoute;
  routes: AppControllerRoute[];
  uiConfig: UIConfig;
};

export function boardParts(): { adapter: IServerAdapter; parts(): BoardParts } {
  const found: Partial<BoardParts> = {};
  const keep = (part: Partial<BoardParts>) => {
    Object.assign(found, part);
    return adapter;
  };
  const adapter: IServerAdapter = {
    setQueues: (queues) => keep({ queues }),
    setViewsPath: (views) => keep({ views }),
    setStaticPath: (route, path) => keep({ statics: { route, path } }),
    setEntryRoute: (entry) => keep({ entry }),
    setErrorHandler: () => adapter,
    setApiRoutes: (routes) => keep({ routes }),
    setUIConfig: (uiConfig) => keep({ uiConfig }),
  };
  return { adapter, parts: () => complete(found) };
}

function complete(found: Partial<BoardParts>): BoardParts {
  const { queues, views, statics, entry, routes, uiConfig } = found;
  if (!queues || !views || !statics || !entry || !routes || !uiConfig)
    throw new Error('Bull Board did not pass all parts to its server adapter');
  return { queues, views, statics, entry, routes, uiConfig };
}
